"""docs/strategies.md says what the code does.

`python -m tests.test_strategies_page` writes its table of presets anew.
"""

import re
from pathlib import Path

import pytest

from toolkit.config import json_schema, load
from toolkit.rollout.forecast import compare, forecast
from toolkit.rollout.plan import Plan
from toolkit.rollout.presets import PRESETS, preset
from toolkit.rollout.steps import Approve, Bake, Hook, Probe, Retire, Scale, Shift, duration
from toolkit.rollout.strategy import Strategy, strategy_named
from toolkit.traffic import Color

PAGE = Path(__file__).parents[1] / "docs" / "strategies.md"
BEGIN, END = "<!-- presets -->\n", "<!-- end of presets -->\n"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)


def table() -> str:
    """The presets as the page has to hold them."""
    rows = []
    for each in PRESETS:
        steps = each.strategy.steps
        shares = ", ".join(f"{float(step.share * 100):g}" for step in steps if isinstance(step, Shift))
        bake = next(step.seconds for step in steps if isinstance(step, Bake))
        names = [f"`{name.removeprefix('CodeDeployDefault.')}`" for name in each.aws if name.startswith("CodeDeploy")]
        names += [f"{name} (`{also}`)" for name in each.aws if not name.startswith("CodeDeploy") for also in each.also]
        rows.append(f"| `{each.name}` | {shares} | {duration(bake)} | {', '.join(names)} |")
    return "\n".join(["| preset | percent | bake after each | AWS's names |", "|---|---|---|---|", *rows]) + "\n"


def test_the_table_of_presets_is_that_of_the_code() -> None:
    held = TEXT.partition(BEGIN)[2].partition(END)[0].strip()
    assert held == table().strip(), "run `python -m tests.test_strategies_page`"


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_page_is_taken(example: str, tmp_path: Path) -> None:
    (tmp_path / "bluegreen.toml").write_text(example, encoding="utf-8")
    settings = load(tmp_path / "bluegreen.toml")
    assert settings.strategy or any(service.freeze.windows for service in settings.service.values())
    for name in settings.strategy:
        assert isinstance(strategy_named(name, settings), Strategy)


def test_the_examples_show_every_step(tmp_path: Path) -> None:
    shown = set()
    for example in EXAMPLES:
        (tmp_path / "bluegreen.toml").write_text(example, encoding="utf-8")
        for each in load(tmp_path / "bluegreen.toml").strategy.values():
            assert isinstance(each, Strategy)
            shown |= {type(step) for step in (*each.steps, *each.gates)}
    assert shown == {Shift, Bake, Approve, Hook, Probe, Scale, Retire}, "analyze stands in the table"


@pytest.mark.parametrize("name", ["StrategyTable", "_Step", "GateTable", "_Freeze"])
def test_every_key_of_the_grammar_stands_in_the_page(name: str) -> None:
    code = " ".join([*EXAMPLES, *re.findall(r"`([^`\n]+)`", TEXT)])
    keys = set(json_schema()["$defs"][name]["properties"])
    assert {key for key in keys if not re.search(rf"(?<![\w-]){key}(?![\w-])", code)} == set()


def test_the_comparison_on_the_page_is_what_is_printed() -> None:
    plans = [
        Plan("web", each.name, Color.BLUE, each.steps, ("route-1",))
        for each in map(preset, ("Canary10Percent5Minutes", "Linear10PercentEvery1Minute"))
    ]
    shown = " ".join(TEXT.partition("```console\n")[2].partition("```")[0].split())
    for title, *cells in compare(*map(forecast, plans)):
        if not title.startswith(("at risk", "calls")):  # those are wrapped into each other
            assert " ".join([title, *cells]) in shown
        else:
            assert all(word in shown for cell in cells for word in cell.split())


def main() -> None:
    """Write the table of presets into the page."""
    before, _, rest = TEXT.partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
