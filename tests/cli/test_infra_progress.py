"""Events in words, on plain lines and on a terminal."""

import pytest

from toolkit.cli.infra_progress import Lines, Live, display, line_of
from toolkit.infra.events import Diagnostic, Event, Log, Planned, Progress, Stage, Summary


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Progress("aws_lb.web", "create", Stage.STARTED), "aws_lb.web: creating"),
        (Progress("aws_lb.web", "create", Stage.GOING, 10), "aws_lb.web: still creating after 10 s"),
        (Progress("aws_lb.web", "delete", Stage.DONE, 62), "aws_lb.web: deleted in 62 s"),
        (Progress("aws_lb.web", "update", Stage.FAILED, 1), "aws_lb.web: updating failed after 1 s"),
        (Progress("aws_lb.web", "conjure", Stage.DONE, 1), "aws_lb.web: conjure in 1 s"),
        (Progress("aws_lb.web", "refresh", Stage.REFRESHED), ""),
        (Progress("data.aws_region.here", "read", Stage.STARTED), ""),
        (Progress("data.aws_region.here", "read", Stage.DONE), ""),
        (Diagnostic("warning", "Deprecated", address="aws_lb.web"), "warning: aws_lb.web: Deprecated"),
        (Diagnostic("warning", "Deprecated"), "warning: Deprecated"),
        (Diagnostic("error", "said again at the end"), ""),
        (Log("Initializing the backend..."), "Initializing the backend..."),
        (Planned("aws_lb.web", "create"), ""),
        (Summary("plan", 1, 0, 0), ""),
    ],
)
def test_each_event_has_its_line(event: Event, line: str) -> None:
    assert line_of(event) == line


def test_where_nobody_watches_lines_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    shown = display()
    assert isinstance(shown, Lines)
    shown(Progress("aws_lb.web", "create", Stage.STARTED))
    shown(Summary("plan", 1, 0, 0))
    shown.pause()
    assert capsys.readouterr() == ("", "aws_lb.web: creating\n")


def test_the_live_display_keeps_what_is_done_and_survives_a_pause(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Live()
    for event in (
        Progress("aws_lb.web", "create", Stage.STARTED),
        Progress("aws_lb.web", "create", Stage.GOING, 10),
        Progress("aws_lb.web", "create", Stage.DONE, 12),
        Progress("aws_lb.stranger", "create", Stage.FAILED, 1),
        Progress("aws_lb.cut", "create", Stage.STARTED),
        Diagnostic("warning", "[bold]is no markup[/bold]"),
    ):
        shown(event)
    shown.pause()
    shown(Log("and on"))
    shown.pause()
    out, err = capsys.readouterr()
    assert not out
    for words in ("aws_lb.web: created in 12 s", "aws_lb.stranger: creating failed", "[bold]is no markup", "and on"):
        assert words in err
