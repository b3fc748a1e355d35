"""The demo: what it prepares, and that nothing outlives it when it is interrupted. Its whole way is `make demo`."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from toolkit.cli.lab import demo
from toolkit.config import load as load_settings
from toolkit.errors import DemoFailed, UsageError
from toolkit.lab.attach_options import AnyOptions, AttachOptions
from toolkit.lab.demo import first_act, run_demo
from toolkit.lab.demo.first_act import others, require_alone
from toolkit.lab.demo.play import options_of
from toolkit.lab.demo.scene import BAD_VERSION, TARGETS, copied, free_port, loopback_addresses, sites, terraform_tree
from toolkit.lab.demo.second_act import SETTINGS, detected
from toolkit.lab.demo.stage import Stage, sick
from toolkit.lab.handle import Lab
from toolkit.lab.options import LabOptions
from toolkit.lab.processes import Recorded, is_running
from toolkit.lab.report import BadRelease, Report
from toolkit.lab.state import Published, StateDirectory, all_labs


def test_the_checkout_stays_clean(tmp_path: Path) -> None:
    directory = copied(terraform_tree(), tmp_path)
    assert directory == tmp_path / "terraform" / "examples" / "lab"
    assert (directory / "main.tf").is_file()
    assert (directory / "../../modules/alb-route/main.tf").resolve().is_file()
    assert not list(tmp_path.rglob("*.tfstate*"))
    assert not list(tmp_path.rglob(".terraform"))


def test_a_port_is_free_on_every_address_of_the_targets() -> None:
    addresses = ["127.0.1.11", "127.0.2.13"]
    port = free_port(addresses)
    for address in addresses:
        with socket.socket() as probe:
            probe.bind((address, port))


def test_targets_listen_where_the_lab_maps_their_addresses() -> None:
    made = sites(8080, "green", BAD_VERSION)
    assert {(site.port, site.color, site.version) for site in made} == {(8080, "green", "v3")}
    assert len(made) == len(TARGETS["green"])
    everywhere = {site.address for color in TARGETS for site in sites(8080, color, "v1")}
    assert everywhere == set(loopback_addresses())
    assert all(address.startswith("127.0.") for address in everywhere)


def test_targets_that_are_not_healthy_are_named() -> None:
    targets = [{"id": "10.0.1.11", "state": "healthy"}, {"id": "10.0.1.12", "state": "initial"}]
    assert sick({"colors": {"blue": {"targets": targets}, "green": {"targets": []}}}) == ["blue 10.0.1.12 initial"]


ENDPOINT = "http://127.0.0.1:4566"


def test_on_an_endpoint_a_data_plane_is_attached_under_a_name_of_its_own() -> None:
    options = options_of(ENDPOINT)
    assert isinstance(options, AttachOptions)
    assert (options.endpoint_url, options.regions) == (ENDPOINT, ("eu-central-1",))
    assert options.name == f"demo-{os.getpid()}"
    assert isinstance(options_of(None), LabOptions)


def test_an_endpoint_elsewhere_is_refused_before_anything_starts() -> None:
    said: list[str] = []
    with pytest.raises(UsageError, match="not on this machine"):
        run_demo(said.append, rate=1, endpoint_url="https://elasticloadbalancing.eu-central-1.amazonaws.com")
    assert said == []


class Provisioning:
    """A demo whose commands are noted, not run; those in `failing` fail."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, options: AnyOptions) -> None:
        self.commands: list[str] = []
        self.said: list[str] = []
        self.failing: set[str] = set()
        published = Published(ENDPOINT, options, Recorded(1, "", "data plane"))
        self.stage = Stage(Lab(published, StateDirectory(directory)), directory, self.said.append, "demo-1")

        def run(_: Stage, *words: str) -> str:
            self.commands.append(words[1])
            if words[1] in self.failing:
                raise DemoFailed(f"{words[1]} failed.")
            return ""

        def provision(stage: Stage, port: int) -> str:
            stage.run("infra", "apply")
            return "http://127.0.0.1:1/"

        monkeypatch.setattr(Stage, "run", run)
        monkeypatch.setattr(Stage, "_provision", provision)


@pytest.mark.parametrize("error", [None, DemoFailed("the cutover failed"), KeyboardInterrupt()])
def test_what_was_provisioned_on_an_endpoint_is_destroyed_however_the_demo_ends(
    error: BaseException | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "terraform.tfstate").write_text("{}")
    provisioning = Provisioning(tmp_path, monkeypatch, AttachOptions(endpoint_url=ENDPOINT))
    try:
        with provisioning.stage.provisioned(8080):
            if error is not None:
                raise error
    except (DemoFailed, KeyboardInterrupt) as caught:
        assert caught is error  # noqa: PT017  also where none is expected
    assert provisioning.commands == ["apply", "destroy"]


def test_what_could_not_be_destroyed_is_named_and_the_first_error_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "terraform.tfstate").write_text("{}")
    provisioning = Provisioning(tmp_path, monkeypatch, AttachOptions(endpoint_url=ENDPOINT))
    provisioning.failing = {"apply", "destroy"}
    with pytest.raises(DemoFailed, match=r"apply failed\."), provisioning.stage.provisioned(8080):
        pass
    assert provisioning.said[-1] == f"destroy failed. {ENDPOINT} keeps what belongs to 'demo-1'."


def test_nothing_is_destroyed_where_nothing_was_made_nor_on_a_lab_that_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_made = Provisioning(tmp_path, monkeypatch, AttachOptions(endpoint_url=ENDPOINT))
    nothing_made.failing = {"apply"}
    with pytest.raises(DemoFailed), nothing_made.stage.provisioned(8080):
        pass
    assert nothing_made.commands == ["apply"]
    own = Provisioning(tmp_path, monkeypatch, LabOptions(name="demo-1"))
    with own.stage.provisioned(8080):
        pass
    assert own.commands == ["apply"]


class Counted:
    """A load whose counts are given beforehand."""

    def __init__(self, *colors: dict[str, int]) -> None:
        self._colors = iter(colors)

    def count(self) -> dict[str, Any]:
        return {"colors": next(self._colors)}


def test_a_color_that_goes_on_answering_after_the_traffic_has_left_it_fails_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("toolkit.lab.demo.first_act.time.sleep", waited.append)
    provisioning = Provisioning(tmp_path, monkeypatch, AttachOptions(endpoint_url=ENDPOINT))
    load: Any = Counted({"blue": 100, "green": 10}, {"blue": 100, "green": 90})
    require_alone("green", provisioning.stage, load)
    assert waited == [first_act.ATTACHED_LAG_SECONDS, first_act.SETTLE_SECONDS]
    load = Counted({"blue": 100, "green": 10}, {"blue": 102, "green": 90})
    with pytest.raises(DemoFailed, match="2 requests were answered by another color, 3 s and more after green"):
        require_alone("green", provisioning.stage, load)
    assert others({"colors": {"blue": 1, "none": 2, "green": 4}}, "green") == 3


def entry(event: str, second: int, **words: str) -> dict[str, str]:
    return {"event": event, "at": f"2026-01-01T12:00:{second:02}+00:00", **words}


def test_detected_is_when_a_gate_of_the_newest_rollout_failed_counted_from_its_first_shift() -> None:
    earlier = [entry("RolloutStarted", 0), entry("ShiftVerified", 1), entry("GateFailed", 2, reason="another")]
    newest = [entry("RolloutStarted", 10), entry("ShiftVerified", 12), entry("ShiftVerified", 20)]
    assert detected([*earlier, *newest]) == (None, "")
    assert detected([*earlier, *newest, entry("GateFailed", 42, reason="green fails")]) == (30.0, "green fails")
    assert detected([]) == (None, "")


def test_the_settings_of_the_second_act_are_settings(tmp_path: Path) -> None:
    (tmp_path / "bluegreen.toml").write_text(SETTINGS.format(service="web"))
    analysis = load_settings(tmp_path / "bluegreen.toml").of("web").analysis
    options = options_of(None)
    assert isinstance(options, LabOptions)
    assert analysis is not None
    assert analysis.settle_seconds > options.metrics_delay + options.metrics_revision


def a_report(*, rolled_back: bool) -> Report:
    bad = BadRelease("green", "bluegreen canary web", 32 if rolled_back else 38, rolled_back, 150.2, "green fails")
    return Report(9000, 0, {}, {"blue": 8000, "green": 1000}, {"p50": 1.0}, [], True, 370.0, bad, 61)


@pytest.mark.parametrize(
    ("rolled_back", "line"), [(True, "rolled back       by itself"), (False, "rolled back       NO")]
)
def test_the_text_tells_of_the_bad_release_and_it_is_an_error_where_that_was_not_taken_back(
    rolled_back: bool, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def play(_: object, **words: Any) -> Report:
        asked.append(words["acts"])
        return a_report(rolled_back=rolled_back)

    monkeypatch.setattr("toolkit.lab.demo.run_demo", play)
    with nullcontext() if rolled_back else pytest.raises(DemoFailed, match="was not rolled back"):
        demo(acts=2)
    told = capsys.readouterr().out
    assert asked == [2]
    assert line in told.splitlines()
    assert "detected 150 s after its first shift: green fails (bluegreen canary web)" in told
    assert "61, answered by the bad release" in told


@pytest.mark.lab
@pytest.mark.terraform
def test_interrupted_while_it_provisions_it_leaves_nothing(lab_root: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "toolkit", "lab", "demo", "--acts", "1"],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    try:
        # Terraform begins to create: the lab, the targets and a command are under way.
        next(line for line in process.stderr if line.startswith("Plan: "))
        (state,) = all_labs(lab_root)
        recorded = state.processes()
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    finally:
        process.kill()
        process.communicate()
        for left in all_labs(lab_root):
            _stop(left)
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith(
        "bluegreen: the demo was interrupted; everything it had started is stopped."
    )
    assert {each.what for each in recorded} >= {"lab", "envoy", "sample app", "bluegreen infra"}
    assert not any(is_running(each) for each in recorded)
    assert not list(tmp_path.glob("bluegreen-demo-*"))
    assert all_labs(lab_root) == []


def _stop(state: StateDirectory) -> None:
    from toolkit.lab.handle import stop_lab

    stop_lab(state)
