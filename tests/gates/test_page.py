"""docs/hooks.md says what the code does: its variables, its settings and its signature check."""

from __future__ import annotations

import inspect
import re
import time
from pathlib import Path
from typing import Any

from toolkit.config import load
from toolkit.gates.webhooks import body_of, signature
from toolkit.rollout.steps import Hook, Probe, Via
from toolkit.rollout.strategy import Strategy
from toolkit.runner.gates import batch_words, environment
from toolkit.settings import HookPoint

PAGE = (Path(__file__).parents[2] / "docs" / "hooks.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(toml|python)\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
SETTINGS = "\n".join(text for language, text in BLOCKS if language == "toml")
(CHECK,) = (text for language, text in BLOCKS if language == "python")


def test_each_variable_is_in_the_body_under_the_name_that_the_page_gives() -> None:
    rows = dict(re.findall(r"^\| `(BLUEGREEN_\w+)` \| `(\w+)` \|", PAGE, flags=re.MULTILINE))
    given = re.findall(r'"(BLUEGREEN_\w+)"', inspect.getsource(environment) + inspect.getsource(batch_words))
    assert set(rows) == {*given, "BLUEGREEN_HOOK", "BLUEGREEN_TRY"}
    wanted = ",".join(sorted(f'"{name}":"x"' for name in rows.values()))
    assert body_of(dict.fromkeys(rows, "x")).decode() == "{" + wanted + "}"


def test_its_settings_are_valid_and_mean_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "bluegreen.toml").write_text(SETTINGS, encoding="utf-8")
    settings = load(tmp_path / "bluegreen.toml")
    strategy = settings.strategy["careful"]
    assert isinstance(strategy, Strategy)
    migrate, probe, *_ = strategy.steps
    assert migrate == Hook("migrate.sh", ("./migrate.sh", "--expand"), timeout_seconds=600)
    assert isinstance(probe, Probe)
    assert (probe.via, probe.header) == (Via.TEST_ROUTE, ("X-Version", "v2"))
    assert [gate.count for gate in strategy.gates if isinstance(gate, Probe)] == [10]
    hooks = [(hook.at.value, hook.name) for hook in settings.of("web").hooks]
    assert hooks == [
        ("after-prepare", "migrate.sh"),
        ("before-shift", "smoke.sh"),
        ("before-retire", "change board"),
        ("on-rollback", "page.sh"),
        ("on-end", "page.sh"),
    ]


def test_each_point_has_its_row() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", PAGE, flags=re.MULTILINE)
    assert rows == [point.value for point in HookPoint]


def test_its_check_takes_what_is_signed_and_nothing_old_or_changed() -> None:
    names: dict[str, Any] = {}
    exec(CHECK, names)  # noqa: S102 - it is what the page tells people to copy
    is_ours = names["is_from_bluegreen"]

    def headers(at: float) -> dict[str, str]:
        stamp = str(int(at))
        return {"X-Bluegreen-Timestamp": stamp, "X-Bluegreen-Signature": signature("k3y", stamp, b"{}")}

    now = time.time()
    assert is_ours(headers(now), b"{}", b"k3y")
    assert not is_ours(headers(now), b"{ }", b"k3y")
    assert not is_ours(headers(now), b"{}", b"other")
    assert not is_ours(headers(now - 600), b"{}", b"k3y")
    assert not is_ours(headers(now - 600) | {"X-Bluegreen-Timestamp": str(int(now))}, b"{}", b"k3y")
