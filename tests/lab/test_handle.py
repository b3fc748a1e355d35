"""Labs as processes: started, found, stopped, and found again after a crash."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.lab.world import client, wait_until
from toolkit.errors import LabError
from toolkit.lab.handle import Lab, find_lab, running_lab, start_lab, stop_lab
from toolkit.lab.options import LabOptions
from toolkit.lab.processes import birth_of, is_running
from toolkit.lab.state import StateDirectory

pytestmark = pytest.mark.lab
Start = Callable[..., Lab]


def test_a_lab_answers_as_aws_and_is_gone_after_it_is_stopped(start: Start) -> None:
    lab = start()
    assert client("sts", lab.endpoint_url).get_caller_identity()["Account"] == "123456789012"
    assert lab.status()["failures"] == []
    stopped = lab.stop()
    assert [one.process.pid for one in stopped][:1] == [lab.pid]
    assert not any(one.killed for one in stopped)
    assert not psutil.pid_exists(lab.pid)
    assert find_lab("default") is None


def test_a_second_lab_of_the_same_name_is_refused(shared: Lab) -> None:
    with pytest.raises(LabError, match="lab 'shared' is running already at http://127"):
        start_lab(LabOptions(name="shared"), root=shared.state.path.parent)
    assert shared.status()["name"] == "shared"


def test_a_taken_port_is_said_and_leaves_nothing_behind(shared: Lab, lab_root: Path) -> None:
    taken = int(shared.endpoint_url.rpartition(":")[2])
    with pytest.raises(LabError, match=f"port {taken} on 127.0.0.1 cannot be had"):
        start_lab(LabOptions(name="second", port=taken))
    assert find_lab("second") is None
    assert StateDirectory.of("second", lab_root).processes() == []


def test_what_a_killed_lab_leaves_is_found_and_stopped(start: Start) -> None:
    lab = start()
    left = [process for process in lab.state.processes() if process.pid != lab.pid]
    assert [process.what for process in left] == ["envoy"]
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    try:
        lab.record(orphan.pid, "sample app")
        os.kill(lab.pid, signal.SIGKILL)
        assert lab.process is not None
        lab.process.wait()
        stopped = stop_lab(lab.state)
        assert {one.process.what for one in stopped} == {"envoy", "sample app"}
        assert not any(is_running(process) for process in left)
        assert orphan.wait(5) is not None
        assert stop_lab(lab.state) == []
    finally:
        orphan.kill()
        orphan.wait()


def test_a_stranger_that_got_a_recorded_pid_is_left_alone(lab_root: Path) -> None:
    state = StateDirectory.of("default", lab_root)
    state.create()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        process = state.record(stranger.pid, "envoy")
        assert process is not None
        path = state.path / "processes" / str(stranger.pid)
        path.write_text(path.read_text().replace(process.birth, "another-boot/1"))
        assert stop_lab(state) == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_lab_and_its_guests_end_with_the_process_it_belongs_to(lab_root: Path) -> None:
    script = """
import os, subprocess, sys
from toolkit.lab.handle import start_lab
lab = start_lab()
guest = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdout=subprocess.DEVNULL)
lab.record(guest.pid, "sample app")
print(lab.pid, guest.pid, *(process.pid for process in lab.state.processes()), flush=True)
os.kill(os.getpid(), 9)
"""
    owner = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    pids = {int(pid) for pid in owner.stdout.split()}
    try:
        assert len(pids) == 3  # the lab, Envoy, the guest
        wait_until(lambda: all(birth_of(pid) is None for pid in pids))
    finally:
        stop_lab(StateDirectory.of("default", lab_root))
    assert find_lab("default") is None


def test_settings_change_while_the_lab_runs_and_nonsense_is_refused(shared: Lab) -> None:
    assert shared.settings(metrics_delay=1.5).metrics_delay == 1.5
    assert shared.status()["options"]["metrics_delay"] == 1.5
    with pytest.raises(LabError, match="cannot change port"):
        shared.settings(port=1)
    with pytest.raises(LabError, match="propagation_delay is -1"):
        shared.settings(propagation_delay=-1)


def test_no_lab_is_said_with_the_way_to_one(lab_root: Path) -> None:
    with pytest.raises(LabError, match="lab 'default' is not running") as caught:
        running_lab("default")
    assert caught.value.hint == "Start it: bluegreen lab up"
