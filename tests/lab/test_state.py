"""Where a lab keeps its state, and what it finds there again."""

import os
from pathlib import Path

import pytest

from toolkit.errors import LabError
from toolkit.lab.options import LabOptions
from toolkit.lab.processes import Recorded
from toolkit.lab.state import Published, StateDirectory, default_root


def test_the_root_follows_the_environment() -> None:
    assert default_root({"BLUEGREEN_LAB_DIR": "/labs", "XDG_STATE_HOME": "/state"}) == Path("/labs")
    assert default_root({"XDG_STATE_HOME": "/state"}) == Path("/state/bluegreen/lab")
    home = Path.home() / ".local" / "state" / "bluegreen" / "lab"
    assert default_root({}) == home
    assert default_root({"XDG_STATE_HOME": "relative"}) == home  # the specification has it ignored


def test_what_is_published_is_found_again_and_up_only_while_its_process_lives(tmp_path: Path) -> None:
    state = StateDirectory.of("one", tmp_path)
    state.create()
    own = state.record(os.getpid(), "lab")
    assert own is not None
    published = Published("http://127.0.0.1:1", LabOptions(name="one"), own)
    state.publish(published)
    assert state.published() == published
    assert published.is_up
    state.publish(Published("http://127.0.0.1:1", LabOptions(), Recorded(os.getpid(), "another-boot/1", "lab")))
    found = state.published()
    assert found is not None
    assert not found.is_up
    state.retract()
    assert state.published() is None


def test_processes_are_recorded_and_forgotten_one_by_one(tmp_path: Path) -> None:
    state = StateDirectory.of("one", tmp_path)
    assert state.processes() == []
    state.create()
    own = state.record(os.getpid(), "lab")
    assert state.processes() == [own]
    assert state.record(2**22 + 1, "nobody") is None
    state.forget(os.getpid())
    state.forget(os.getpid())
    assert state.processes() == []


def test_a_name_cannot_leave_the_root(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no name for a lab"):
        StateDirectory.of("../../etc", tmp_path)


@pytest.mark.parametrize("content", ["{", "[]"])
def test_damaged_state_is_said(tmp_path: Path, content: str) -> None:
    state = StateDirectory.of("one", tmp_path)
    state.create()
    (state.path / "lab.json").write_text(content)
    with pytest.raises(LabError, match=r"lab\.json is damaged"):
        state.published()


def test_a_root_that_cannot_be_written_is_said_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="cannot keep its state") as caught:
        StateDirectory.of("one", tmp_path / "file").create()
    assert "BLUEGREEN_LAB_DIR" in caught.value.hint
