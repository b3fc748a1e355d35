"""Lines of terraform's `-json` stream become typed values, and no line can break the reader."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.infra.events import Diagnostic, Log, Planned, Progress, Stage, Summary, parse


def line(kind: str, **rest: Any) -> str:
    return json.dumps({"@level": "info", "@message": f"a {kind}", "type": kind, **rest})


def hook(action: str | None = "create", **rest: Any) -> dict[str, Any]:
    return {"resource": {"addr": "aws_lb.web"}, "action": action, **rest}


@pytest.mark.parametrize(
    ("told", "event"),
    [
        (line("apply_start", hook=hook()), Progress("aws_lb.web", "create", Stage.STARTED)),
        (
            line("apply_progress", hook=hook(elapsed_seconds=10)),
            Progress("aws_lb.web", "create", Stage.GOING, 10),
        ),
        (
            line("apply_complete", hook=hook("delete", elapsed_seconds=62, id_value="arn:x")),
            Progress("aws_lb.web", "delete", Stage.DONE, 62),
        ),
        (
            line("apply_errored", hook=hook("update", elapsed_seconds=1)),
            Progress("aws_lb.web", "update", Stage.FAILED, 1),
        ),
        (
            line("refresh_complete", hook={"resource": {"addr": "aws_lb.web"}, "id_value": "arn:x"}),
            Progress("aws_lb.web", "refresh", Stage.REFRESHED),
        ),
        (
            line("planned_change", change={"resource": {"addr": "aws_lb.web"}, "action": "replace"}),
            Planned("aws_lb.web", "replace"),
        ),
        (
            line("change_summary", changes={"add": 3, "change": 2, "remove": 1, "operation": "apply"}),
            Summary("apply", 3, 2, 1),
        ),
        (line("init_output"), Log("a init_output")),
        (line("a type of next year"), Log("a a type of next year")),
        (line("apply_start_but_new", hook=hook()), Log("a apply_start_but_new")),
        ("Initializing modules...\n", Log("Initializing modules...")),
        ('{"@message": "two\\n  lines"}', Log("two lines")),
        ('{"type": 5, "@message": "odd"}', Log("odd")),
        ("[1]", Log("[1]")),
    ],
)
def test_each_message_has_its_value(told: str, event: object) -> None:
    assert parse(told) == event


@pytest.mark.parametrize(
    "told",
    [
        *("", "\n", "{}", line("resource_drift"), line("outputs", outputs={"s": {"value": "x"}})),
        *(line("version", terraform="1.11.4", ui="1.2"), line("version", tofu="1.10.0", ui="1.2")),
    ],
)
def test_what_says_nothing_new_is_silent(told: str) -> None:
    assert parse(told) is None


def test_a_diagnostic_keeps_terraforms_words_its_resource_and_its_place() -> None:
    told = {
        "severity": "error",
        "summary": "creating ELBv2 Listener Rule",
        "detail": "PriorityInUse",
        "address": "aws_lb_listener_rule.web",
        "range": {"filename": "main.tf", "start": {"line": 12, "column": 1}},
        "snippet": {"context": 'resource "aws_lb_listener_rule" "web"', "code": "  priority = 1", "start_line": 12},
    }
    event = parse(line("diagnostic", diagnostic=told))
    place = ("main.tf:12", "priority = 1")
    assert event == Diagnostic(
        "error", "creating ELBv2 Listener Rule", "PriorityInUse", "aws_lb_listener_rule.web", *place
    )


def test_a_diagnostic_without_its_parts_counts_as_an_error() -> None:
    event = parse(line("diagnostic", diagnostic={"snippet": None}))
    assert isinstance(event, Diagnostic)
    assert event.is_error


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["resource", "addr", "action", "elapsed_seconds", "start", "line", "filename", "range", "add"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
kinds = st.sampled_from(
    ["refresh_complete", "apply_start", "apply_progress", "planned_change", "change_summary", "diagnostic", "log"]
)
messages = st.fixed_dictionaries(
    {"type": kinds | json_values},
    optional=dict.fromkeys(("@message", "hook", "change", "changes", "diagnostic"), json_values),
)


@given(st.text() | messages.map(json.dumps) | json_values.map(json.dumps))
def test_no_line_breaks_the_reader(told: str) -> None:
    event = parse(told)
    match event:
        case Progress(seconds=seconds):
            assert seconds >= 0
        case Log(text):
            assert text
            assert "\n" not in text
        case _:
            assert event is None or isinstance(event, Planned | Summary | Diagnostic)


def test_nesting_without_end_does_not_break_the_reader() -> None:
    assert isinstance(parse("[" * 100_000), Log)
