"""The example `alb-asg`: its groups wait for the route, and the sample that it starts instances with works."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.terraform.conftest import TERRAFORM, Run
from toolkit.infra.program import chosen

EXAMPLE = TERRAFORM / "examples" / "alb-asg"
SERVER = EXAMPLE / "sample" / "server.py"


@pytest.mark.terraform
def test_instances_come_after_the_route_and_leave_before_it(copy: Path, terraform: Run) -> None:
    """The edge comes of `depends_on = [var.route_arns]` alone, and a destroy follows it backwards."""
    if chosen(os.environ).is_opentofu:
        pytest.skip("OpenTofu draws another graph")
    directory = copy / EXAMPLE.relative_to(TERRAFORM)
    init = terraform(directory, "init", "-backend=false", "-input=false")
    assert init.returncode == 0, init.stdout
    graph = terraform(directory, "graph").stdout
    edges = re.findall(r'^ +"(\S+)" -> "(\S+)";$', graph, flags=re.MULTILINE)
    assert ("module.instances.aws_autoscaling_group.this", "module.route.aws_lb_listener_rule.this") in edges


@pytest.fixture
def script() -> str:
    """The user data as Terraform renders it: the template has these three places, and no directives."""
    text = (EXAMPLE / "sample" / "user_data.sh.tftpl").read_text(encoding="utf-8")
    for name, value in (("color", "green"), ("port", "8080"), ("server", SERVER.read_text(encoding="utf-8"))):
        assert f"${{{name}}}" in text
        text = text.replace(f"${{{name}}}", value)
    assert "${" not in text
    assert "%{" not in text
    return text


def test_the_user_data_writes_down_the_color_and_the_server_and_starts_it(script: str, tmp_path: Path) -> None:
    """Run with stand-ins for what only an instance has: its metadata service, its file system, its systemd."""
    stand_ins = {"curl": 'case "$*" in *PUT*) echo token ;; *) echo ami-1 ;; esac', "systemctl": 'echo "$*" >>"$CALLS"'}
    for name, body in stand_ins.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "etc" / "systemd" / "system").mkdir(parents=True)
    for place in ("/etc/", "/opt/"):
        script = re.sub(rf"(?<=[ >]){place}", f"{tmp_path}{place}", script)
    shell = shutil.which("sh")
    assert shell is not None
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(tmp_path / "calls")}
    ran = subprocess.run([shell, "-c", script], env=environ, capture_output=True, text=True, check=False, timeout=30)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "etc" / "bluegreen.env").read_text() == "COLOR=green\nVERSION=ami-1\n"
    assert (tmp_path / "opt" / "sample" / "server.py").read_text().rstrip() == SERVER.read_text().rstrip()
    assert "server.py 8080\n" in (tmp_path / "etc" / "systemd" / "system" / "sample.service").read_text()
    assert (tmp_path / "calls").read_text() == "daemon-reload\nenable --now sample.service\n"


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the sample's handler answers, as green and from ami-1."""
    monkeypatch.setenv("COLOR", "green")
    monkeypatch.setenv("VERSION", "ami-1")
    spec = importlib.util.spec_from_file_location("sample_server", SERVER)
    assert spec is not None
    assert spec.loader is not None
    sample = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sample)
    handler: type[BaseHTTPRequestHandler] = sample.Handler
    monkeypatch.setattr(handler, "log_message", lambda *_: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["/", "/healthz"])
def test_the_sample_says_which_color_and_image_answered(address: str, path: str) -> None:
    with urllib.request.urlopen(address + path, timeout=5) as answer:
        told = (answer.status, answer.headers["X-Color"], answer.headers["X-Version"], answer.read())
    assert told == (200, "green", "ami-1", b"green ami-1\n")
