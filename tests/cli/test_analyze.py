"""`bluegreen analyze`: replays print a verdict a minute, bad input is one line, --power answers in minutes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.data.make import HERE
from toolkit.cli import analyze as command
from toolkit.cli.options import Output
from toolkit.errors import UsageError
from toolkit.traffic import Color
from toolkit.wiring import Options


def analyze(**words: Any) -> None:
    """The command without the options that say where AWS is."""
    command.analyze.__wrapped__(where=Options(), **words)  # type: ignore[attr-defined]


def test_a_replay_prints_a_json_object_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    analyze(replay=HERE / "errors.csv", output=Output.JSON)
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["minute"] for each in found] == list(range(20))
    assert all(set(each) == {"minute", "verdict", "reason"} for each in found)
    assert [found[0]["verdict"], found[-1]["verdict"]] == ["inconclusive", "fail"]


def test_a_replay_for_people_is_a_line_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    analyze(replay=HERE / "silent.csv")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 15
    assert lines[0].split()[:2] == ["0", "inconclusive"]


def test_the_live_color_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    analyze(replay=HERE / "errors.csv", live=Color.GREEN, output=Output.JSON)
    assert "fail" not in {json.loads(line)["verdict"] for line in capsys.readouterr().out.splitlines()}


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"minute,color\n"])
def test_a_file_that_is_no_series_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "series.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        analyze(replay=path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            analyze(replay=path)


def test_one_thing_is_asked_at_a_time() -> None:
    with pytest.raises(UsageError, match="wants a SERVICE"):
        analyze()
    for more in ({"power": True}, {"service": "web"}):
        with pytest.raises(UsageError, match="neither SERVICE nor --power"):
            analyze(replay=Path("series.csv"), **more)


def test_power_is_said_in_minutes(capsys: pytest.CaptureFixture[str]) -> None:
    analyze(power=True, rate="50", baseline="0.1 %", share="5", factor="10")
    text = capsys.readouterr().out
    assert text.startswith("A canary at 5 % of 50 requests a second, 0.1 % of them bad anyway:")
    assert "sees a release 10 times as bad: in " in text
    analyze(power=True, rate="50", baseline="0.1", share="5%", factor="10", output=Output.JSON)
    document = json.loads(capsys.readouterr().out)
    assert (document["share"], document["baseline"], document["delay_minutes"]) == (0.05, 0.001, 2)
    assert 3 <= document["detect_minutes"] <= 12


def test_power_says_where_it_takes_too_long(capsys: pytest.CaptureFixture[str]) -> None:
    analyze(power=True, rate="0.01", baseline="0.01", share="1", factor="2")
    assert capsys.readouterr().out.count("not within 24 hours") == 2


@pytest.mark.parametrize("wrong", ["many", "", "-5", "nan", "inf", "1e3", "1_0", "5 %%", "9" * 30])
def test_numbers_that_are_none_are_refused(wrong: str) -> None:
    for option in ("rate", "baseline", "share", "factor"):
        with pytest.raises(UsageError):
            analyze(power=True, **{option: wrong})
