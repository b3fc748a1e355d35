"""Starting LocalStack without Docker: the parts that need none of it."""

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from localstack import environment, host
from localstack.environment import Installed, candidates, find_python
from localstack.host import LocalStack, State, default_directory, free_port, missing_services, variables
from toolkit.errors import LabError
from toolkit.lab.processes import Recorded, is_running, recorded

Program = Callable[..., Path]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Make an executable that passes for a Python of some version, or for something broken."""

    def make(where: str, version: str = "", *, body: str | None = None) -> Path:
        path = tmp_path / where
        path.parent.mkdir(parents=True, exist_ok=True)
        said = json.dumps([str(path), *map(int, version.split("."))]) if version else ""
        path.write_text(body or f"#!/bin/sh\necho '{said}'\n")
        path.chmod(0o755)
        return path

    return make


def _environ(tmp_path: Path, *path: str) -> dict[str, str]:
    return {"PATH": os.pathsep.join(str(tmp_path / one) for one in path), "HOME": str(tmp_path / "home")}


@pytest.fixture(autouse=True)
def _no_uv_beside_this_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "bin" / "python"))


def test_the_first_python_3_13_on_the_path_is_taken(program: Program, tmp_path: Path) -> None:
    program("a/python3", "3.11")
    wanted = program("b/python3.13", "3.13")
    program("c/python3.13", "3.13")
    assert find_python(_environ(tmp_path, "a", "b", "c")) == str(wanted)


def test_a_python3_that_is_3_13_will_do(program: Program, tmp_path: Path) -> None:
    wanted = program("a/python3", "3.13")
    assert find_python(_environ(tmp_path, "a")) == str(wanted)


@pytest.mark.parametrize(
    "body",
    [
        "#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n",  # a shim of a version not chosen
        "#!/bin/sh\necho no JSON\n",
        "no program at all",
    ],
)
def test_a_python_that_does_not_run_is_passed_over_for_one_of_pyenv(
    body: str, program: Program, tmp_path: Path
) -> None:
    program("shims/python3.13", body=body)
    program("home/.pyenv/versions/3.12.1/bin/python", "3.12")
    wanted = program("home/.pyenv/versions/3.13.0/bin/python", "3.13")
    assert find_python(_environ(tmp_path, "shims")) == str(wanted)


def test_pyenv_may_have_a_root_of_its_own(program: Program, tmp_path: Path) -> None:
    wanted = program("elsewhere/versions/3.13.4/bin/python", "3.13")
    assert find_python(_environ(tmp_path) | {"PYENV_ROOT": str(tmp_path / "elsewhere")}) == str(wanted)


def test_uv_is_asked_last_and_downloads_nothing(program: Program, tmp_path: Path) -> None:
    program("bin/uv", "3.13")
    command = list(candidates(_environ(tmp_path, "bin")))[-1]
    assert command[0] == str(tmp_path / "bin" / "uv")
    assert "--no-python-downloads" in command
    assert find_python(_environ(tmp_path, "bin")) == str(tmp_path / "bin" / "uv")


def test_where_there_is_no_python_3_13_one_line_says_so(program: Program, tmp_path: Path) -> None:
    program("a/python3", "3.12")
    with pytest.raises(LabError, match=r"needs Python 3\.13, and there is none") as caught:
        find_python(_environ(tmp_path, "a"))
    assert "uv python install 3.13" in caught.value.hint
    assert "\n" not in caught.value.message


def test_what_is_installed_is_known_only_once_all_of_it_is(tmp_path: Path) -> None:
    assert Installed.found(tmp_path) is None
    (tmp_path / ".installed").write_text('{"lock": "a", "sources": "b"}')
    assert Installed.found(tmp_path) is None, "its Python is gone"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    assert Installed.found(tmp_path) == Installed("a", "b")
    (tmp_path / ".installed").write_text('{"lock": ')
    assert Installed.found(tmp_path) is None


def test_pip_installs_what_uv_cannot(program: Program, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program("venv/bin/uv", body="#!/bin/sh\nexit 2\n")
    program("made/bin/python", body='#!/bin/sh\necho "$@"\n')
    environment.install(tmp_path / "made", "--require-hashes", "-r", "lock")
    said = capfd.readouterr().err
    assert "ended with exit code 2. Now with pip." in said
    assert "-m ensurepip\n-m pip install --quiet --disable-pip-version-check --require-hashes -r lock" in said


def test_pip_is_left_alone_where_uv_can(program: Program, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program("venv/bin/uv", body='#!/bin/sh\necho "uv $@"\n')
    environment.install(tmp_path / "made", "-r", "lock")
    assert capfd.readouterr().err == f"uv pip install --quiet --python {tmp_path}/made/bin/python -r lock\n"


def test_an_environment_that_cannot_be_made_is_said_in_one_line(program: Program, tmp_path: Path) -> None:
    program("made/bin/python", body="#!/bin/sh\nexit 1\n")
    with pytest.raises(LabError, match=r"could not be made: .* ended with exit code 1"):
        environment.install(tmp_path / "made", "-r", "lock")


def test_the_lock_is_hashed_and_names_no_registry() -> None:
    lock = environment.LOCK.read_text()
    assert "://" not in lock
    pinned = [line for line in lock.splitlines() if line and line[0].isalnum()]
    assert len(pinned) > 100
    assert all("==" in line and line.endswith("\\") for line in pinned)
    assert any(line.startswith("localstack-core==2026.3.0 ") for line in pinned)


def test_localstack_listens_on_loopback_and_loads_only_what_is_listed(tmp_path: Path) -> None:
    given = variables({}, port=4571, filesystem=tmp_path)
    assert given["GATEWAY_LISTEN"] == given["LOCALSTACK_HOST"] == "127.0.0.1:4571"
    assert given["GATEWAY_SERVER"] == "hypercorn"
    assert given["DNS_ADDRESS"] == "0"
    assert {"elbv2", "autoscaling", "ecs", "application-autoscaling", "dynamodb"} <= set(given["SERVICES"].split(","))
    # LocalStack adds these to the list by itself, since dynamodb needs them.
    assert {given[f"PROVIDER_OVERRIDE_{name}"] for name in ("DYNAMODB", "DYNAMODBSTREAMS", "KINESIS")} == {"moto"}


def test_nothing_inherited_leads_it_elsewhere(tmp_path: Path) -> None:
    inherited = {
        "AWS_PROFILE": "production",
        "GATEWAY_LISTEN": "0.0.0.0:4566",
        "LOCALSTACK_AUTH_TOKEN": "secret",
        "PROVIDER_OVERRIDE_KINESIS": "default",
        "PYTHONPATH": "/elsewhere",
        "HTTP_PROXY": "http://proxy:3128",
        "NO_PROXY": "intranet",
        "PATH": "/bin",
    }
    given = variables(inherited, port=4566, filesystem=tmp_path)
    assert not {"AWS_PROFILE", "LOCALSTACK_AUTH_TOKEN", "PYTHONPATH"} & set(given)
    assert given["GATEWAY_LISTEN"] == "127.0.0.1:4566"
    assert given["PROVIDER_OVERRIDE_KINESIS"] == "moto"
    assert given["NO_PROXY"] == given["no_proxy"] == "intranet,127.0.0.1,localhost"
    assert given["PATH"] == "/bin"


def test_the_image_starts_localstack_as_the_host_does_but_for_the_address(tmp_path: Path) -> None:
    dockerfile = (environment.ROOT / "localstack" / "Dockerfile").read_text().replace("\\\n", " ")
    (line,) = (line for line in dockerfile.splitlines() if line.startswith("ENV SERVICES="))
    of_image = dict(word.split("=", 1) for word in line.split()[1:])
    of_host = variables({}, port=4566, filesystem=tmp_path)
    differing = {name for name, value in of_image.items() if of_host[name] != value}
    assert differing == {"GATEWAY_LISTEN", "LOCALSTACK_HOST", "FILESYSTEM_ROOT"}
    assert set(of_host) - set(of_image) == {
        *("EXTERNAL_SERVICE_PORTS_START", "EXTERNAL_SERVICE_PORTS_END"),  # a container has its ports to itself
        *("no_proxy", "NO_PROXY"),
    }


def test_compose_shows_ports_on_loopback_only_and_builds_stages_that_there_are() -> None:
    yaml = pytest.importorskip("yaml")
    directory = environment.ROOT / "localstack"
    services = yaml.safe_load((directory / "compose.yaml").read_text())["services"]
    assert set(services) == {"open", "licensed"}
    assert "profiles" not in services["open"]
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert service["healthcheck"]["test"][0] == "CMD"
        assert f" AS {service['build']['target']}\n" in (directory / "Dockerfile").read_text()


def test_the_init_hook_can_be_run_and_applies_nothing_when_told_so() -> None:
    hook = environment.ROOT / "localstack" / "init" / "ready.d" / "apply-example.sh"
    done = subprocess.run([hook], env={"APPLY_EXAMPLE": "0", "EXAMPLE": "/nowhere"}, check=False, timeout=30)
    assert done.returncode == 0
    failed = subprocess.run([hook], env={"EXAMPLE": "/nowhere"}, check=False, timeout=30, capture_output=True)
    assert failed.returncode != 0


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_that_was_asked_for_must_be_free(taken: int) -> None:
    with pytest.raises(LabError, match=f"port {taken} on 127.0.0.1 cannot be had"):
        free_port(taken)
    with pytest.raises(LabError, match="port 70000"):
        free_port(70_000)


def test_the_usual_port_gives_way_to_a_free_one(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "USUAL_PORT", taken)
    assert free_port(None) not in {0, taken}


def test_a_localstack_without_a_service_is_told_apart() -> None:
    health: Mapping[str, object] = {"services": dict.fromkeys(host.SERVICES, "available")}
    assert missing_services(health) == []
    services = dict.fromkeys(host.SERVICES, "running") | {"elbv2": "disabled"}
    assert missing_services({"services": services}) == ["elbv2"]
    del services["ecs"]
    assert missing_services({"services": services}) == ["elbv2", "ecs"]


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def _remembered(state: State, pid: int) -> LocalStack:
    process = recorded(pid, "localstack")
    assert process is not None
    localstack = LocalStack(process, "http://127.0.0.1:4571")
    with state.locked():
        state.remember(localstack)
    return localstack


def test_state_is_private(tmp_path: Path) -> None:
    state = State(tmp_path / "deep" / "state")
    with state.locked():
        assert stat.S_IMODE(state.path.stat().st_mode) == 0o700


def test_a_second_start_finds_the_first(
    tmp_path: Path, sleeper: "subprocess.Popen[bytes]", capsys: pytest.CaptureFixture[str]
) -> None:
    state = State(tmp_path / "state")
    known = _remembered(state, sleeper.pid)
    assert host.up(state, None) == known
    assert "up already at http://127.0.0.1:4571" in capsys.readouterr().err


def test_a_stop_ends_what_was_started_and_a_second_one_nothing(
    tmp_path: Path, sleeper: "subprocess.Popen[bytes]", capsys: pytest.CaptureFixture[str]
) -> None:
    state = State(tmp_path / "state")
    known = _remembered(state, sleeper.pid)
    host.down(state)
    assert not is_running(known.process)
    assert f"stopped localstack (pid {sleeper.pid})" in capsys.readouterr().err
    host.down(state)
    assert "not running" in capsys.readouterr().err


def test_a_stranger_with_the_recorded_pid_is_left_alone(tmp_path: Path, sleeper: "subprocess.Popen[bytes]") -> None:
    state = State(tmp_path / "state")
    with state.locked():
        state.remember(LocalStack(Recorded(sleeper.pid, "another-boot/1", "localstack"), "http://127.0.0.1:4571"))
    assert state.running() is None
    host.down(state)
    assert sleeper.poll() is None


def test_a_damaged_record_is_no_reason_to_start_a_second(tmp_path: Path) -> None:
    (tmp_path / "localstack.json").write_text("{}")
    with pytest.raises(LabError, match=r"localstack\.json is damaged"):
        State(tmp_path).running()


def test_the_variables_for_a_shell_go_to_stdout_alone(
    tmp_path: Path, sleeper: "subprocess.Popen[bytes]", capsys: pytest.CaptureFixture[str]
) -> None:
    _remembered(State(tmp_path / "state"), sleeper.pid)
    assert host.main(["up", "--directory", str(tmp_path / "state")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:4571" in lines
    assert all(line.startswith("export AWS_") for line in lines)


def test_a_failure_is_one_line_with_the_labs_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert host.main(["down", "--directory", str(tmp_path / "file" / "state")]) == LabError.exit_code
    assert capsys.readouterr().err.startswith("bluegreen: LocalStack cannot keep its state in ")


def test_state_has_the_place_that_is_named_or_the_usual_one() -> None:
    assert default_directory({"BLUEGREEN_LOCALSTACK_DIR": "/a/b"}) == Path("/a/b")
    assert default_directory({"XDG_STATE_HOME": "/state"}) == Path("/state/bluegreen/localstack")
    assert default_directory({}) == Path.home() / ".local" / "state" / "bluegreen" / "localstack"
