"""The columns as docs/emulators.md: a table, and below it every deviation with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from tests.emulators.columns import Column
from tests.emulators.plugin import FAIL, PASS, SKIP, XFAIL

COMMANDS: Final = (
    *("status", "doctor", "shift", "cutover", "rollback", "restore-stickiness", "drift", "sync", "preview", "adopt"),
    *("infra init", "infra apply", "infra output", "infra plan", "infra destroy"),
)
EXAMPLES: Final = ("lab", "alb", "nlb")

HEAD: Final = """\
# Emulators

What of bluegreen passes where. Every cell is a number of checks, each run against the emulator in a process of its own:
the contract suites of `tests/contracts`, every command as a process of its own on a pair that boto3 made, and every
Terraform example by `bluegreen infra`: apply, shift, empty plan, destroy. It is about the APIs: whether requests follow
the weights is for `make test` (the lab) and `make test-localstack` to say.

"moto alone" is moto's own server, without the lab's input checks, target health and data plane. "LocalStack + plugin"
is [`localstack/`](../localstack/README.md): LocalStack's open-source gateway, ELBv2 by moto, the lab's input checks, no
data plane attached. The seconds are those of a machine that the columns, and other work too, share: not to be compared.

`make matrix` runs the checks anew and writes this page; `make matrix ONLY="moto ministack"` only these columns.
`make matrix ENDPOINT=http://127.0.0.1:4566` runs them on what answers there, and fills the last column if that is
LocalStack with an activated license.

The examples `alb-ecs` and `alb-asg` have no rows: `make test-slow` runs them on the lab, and without its
ECS a plan of an ECS service never settles, over `availability_zone_rebalancing`. On moto alone
`autoscaling_maximum = null` is needed as well: else the provider asks for nine minutes for the tags of a scalable
target, which are not there.

Where an emulator is not AWS a check is expected to fail, in words that are known too. So the run fails when an emulator
gets worse, and when it improves: then a line of `tests/emulators/expectations.py` can go.
"""


def page(columns: Sequence[Column]) -> str:
    """The whole page."""
    notes = _notes(columns)
    lines = [HEAD, *_table(columns, notes), ""]
    if notes:
        lines += ["## Where they are not AWS", ""]
    for (title, reason), number in notes.items():
        column = next(each for each in columns if each.title == title)
        lines.append(f"{number}. **{title}.** {reason} Expected to fail there:")
        lines += [f"   - {words(check)}" for check in _held(column, reason)]
    return "\n".join(lines).rstrip("\n") + "\n"


def rows() -> Iterator[tuple[str, str]]:
    """(section, title) of every row."""
    yield from (("Contract suites", suite) for suite in _SUITES.values())
    yield from (("Commands", f"`{command}`") for command in COMMANDS)
    yield from (("Terraform examples", f"`{example}`") for example in EXAMPLES)


def rows_of(check: str) -> set[str]:
    """The titles of the rows that a check counts in."""
    file, _, test = check.partition("::")
    name, _, parameter = test.removesuffix("]").partition("[")
    if file == "test_commands.py":
        return {f"`{_command(name)}`"}
    if file == "test_examples.py":
        return {f"`{_command(name)}`", f"`{parameter}`"}
    kind = {"test_router.py": parameter or "rules", "test_workload.py": parameter}.get(file, "")
    return {_SUITES[f"{file}:{kind}".rstrip(":")]}


def words(check: str) -> str:
    """The rule that a check keeps, for people."""
    _, _, test = check.partition("::")
    name, _, parameter = test.removesuffix("]").partition("[")
    said = name.removeprefix("test_").replace("_", " ")
    return f"{said} ({parameter})" if parameter else said


_SUITES: Final[Mapping[str, str]] = {
    "test_router.py:rules": "router: listener rules (ALB)",
    "test_router.py:listeners": "router: default actions (ALB)",
    "test_router.py:network": "router: listeners (NLB)",
    "test_store.py": "journal, lease, inbox: DynamoDB",
    "test_targets.py": "targets: target groups",
    "test_identities.py": "identities: STS",
    "test_workload.py:ecs": "workload: ECS services",
    "test_workload.py:asg": "workload: Auto Scaling groups",
}


def _command(name: str) -> str:
    """The command that a test is named after."""
    said = name.removeprefix("test_").replace("_", "-")
    return next(command for command in COMMANDS if said.startswith(command.replace(" ", "-") + "-"))


def _table(columns: Sequence[Column], notes: Mapping[tuple[str, str], int]) -> Iterator[str]:
    yield _line("", *(column.title for column in columns))
    yield _line("---", *("---" for _ in columns))
    yield _line("version", *(column.version or "—" for column in columns))
    yield _line("run on", *(column.date or "not run" for column in columns))
    yield _line("seconds", *(str(column.seconds) if column.date else "—" for column in columns))
    before = ""
    for section, title in rows():
        if section != before:
            yield _line(f"**{section}**", *("" for _ in columns))
            before = section
        yield _line(title, *(_cell(column, title, notes) for column in columns))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(column: Column, title: str, notes: Mapping[tuple[str, str], int]) -> str:
    if column.not_run:
        return "not run"
    ended = [ended for check, ended in column.checks.items() if title in rows_of(check)]
    ran = [each for each in ended if each["outcome"] != SKIP]
    if not ran:
        return "not run"
    passed = sum(each["outcome"] == PASS for each in ran)
    failed = sum(each["outcome"] == FAIL for each in ran)
    numbers = sorted({notes[column.title, each["said"]] for each in ran if each["outcome"] == XFAIL})
    said = f"pass ({passed})" if passed == len(ran) else f"{passed} of {len(ran)}"
    if not passed and not failed:
        said = "xfail"
    return " ".join([said, *(f"[{number}]" for number in numbers), *([f"**{failed} failed**"] if failed else [])])


def _notes(columns: Iterable[Column]) -> dict[tuple[str, str], int]:
    """(column, reason) -> number, in the order in which the page tells them."""
    told: dict[tuple[str, str], int] = {}
    for column in columns:
        reasons = [ended["said"] for ended in column.checks.values() if ended["outcome"] == XFAIL]
        if column.not_run:
            reasons = []
        for reason in dict.fromkeys(reasons):
            told[column.title, reason] = len(told) + 1
    return told


def _held(column: Column, reason: str) -> list[str]:
    return [
        check for check, ended in column.checks.items() if ended["outcome"] == XFAIL and ended.get("said") == reason
    ]
