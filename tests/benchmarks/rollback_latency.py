"""Whole-process wall time of `bluegreen rollback` in mid-canary, beside the AWS CLI and beside Terraform.

    python -m tests.benchmarks.rollback_latency [--runs 15] [--terraform-runs 3]

The lab's endpoint holds the contract in SSM and the record in DynamoDB. Before each timed run an untimed
`bluegreen shift` brings the service to 80/20. The AWS CLI does one `modify-listener`, without looking, checking or
recording. Terraform does what a team without a toolkit does: it applies the example `lab`, with the weights left to
Terraform, from 0/100 to 100/0. Its load balancer takes a minute to create, untimed. Runs are interleaved; figures are
medians.

Prints one JSON object: ours_s awscli_s terraform_s vs_awscli vs_terraform elb_reads elb_writes.
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import statistics
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs

from tests.benchmarks.timing import beside, seconds
from tests.support.provision import Provisioned, forward
from tests.support.world import running_world
from toolkit.infra.mirror import find_mirror

_TERRAFORM = Path(__file__).parents[2] / "terraform"
_ACCESS_KEY = "benchmark"  # tells our calls from those of the lab's own control loop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--terraform-runs", type=int, default=3)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bluegreen-bench-") as scratch,
        running_world(Path(scratch)) as world,
    ):
        environ = {
            **world.lab.environ,
            "AWS_ACCESS_KEY_ID": _ACCESS_KEY,
            "XDG_CACHE_HOME": scratch,
            "XDG_STATE_HOME": scratch,
        }
        print(json.dumps(_measure(world.provisioned, environ, Path(scratch), arguments.runs, arguments.terraform_runs)))


def _measure(
    world: Provisioned, environ: Mapping[str, str], directory: Path, runs: int, terraform_runs: int
) -> dict[str, float | dict[str, int]]:
    apply = _prepare_terraform(environ, directory)
    example = directory / "terraform" / "examples" / "lab"
    calls = Counter[str]()
    ours, awscli, terraform = [], [], []
    for run in range(-1, runs):  # run -1 warms caches and counts calls, untimed
        seconds(_shift(), environ=environ, cwd=directory)
        if run < 0:
            calls = _elb_calls_of(_rollback(), world, environ, directory)
            seconds(_modify_listener(world), environ=environ, cwd=directory)
            continue
        ours.append(seconds(_rollback(), environ=environ, cwd=directory))
        awscli.append(seconds(_modify_listener(world), environ=environ, cwd=directory))
        if run < terraform_runs:
            seconds([*apply, "-var=color=green"], environ=environ, cwd=example)
            terraform.append(seconds([*apply, "-var=color=blue"], environ=environ, cwd=example))
    medians = {
        name: statistics.median(taken) for name, taken in (("ours", ours), ("awscli", awscli), ("terraform", terraform))
    }
    return {
        **{f"{name}_s": round(median, 3) for name, median in medians.items()},
        "vs_awscli": round(medians["ours"] / medians["awscli"], 3),
        "vs_terraform": round(medians["ours"] / medians["terraform"], 4),
        "elb_reads": sum(count for action, count in calls.items() if action.startswith("Describe")),
        "elb_writes": sum(count for action, count in calls.items() if action.startswith("Modify")),
        "elb_calls": dict(calls),
    }


def _shift() -> list[str]:
    return [str(beside("bluegreen")), "shift", "web", "green=20"]


def _rollback() -> list[str]:
    return [str(beside("bluegreen")), "rollback", "web"]


def _modify_listener(world: Provisioned) -> list[str]:
    actions = [forward(world.group("blue"), 100, world.group("green"), 0, {"Enabled": False})]
    return [
        *(str(beside("aws")), "elbv2", "modify-listener", "--listener-arn", world.listener_arn),
        *("--default-actions", json.dumps(actions)),
    ]


def _prepare_terraform(environ: Mapping[str, str], directory: Path) -> list[str]:
    """The example `lab` in a copy whose weights Terraform owns, applied once; the command that applies it again."""
    copy = directory / "terraform"
    shutil.copytree(_TERRAFORM, copy, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    _replace(copy / "modules/alb-route/main.tf", "ignore_changes = [action]", "ignore_changes = []")
    example = copy / "examples" / "lab"
    _replace(
        example / "main.tf",
        'source = "../../modules/alb-route"',
        'source = "../../modules/alb-route"\n  initial_color = var.color',
    )
    (example / "color.tf").write_text('variable "color" {\n  type = string\n}\n')
    mirror = find_mirror(environ)
    init = ["terraform", "init", "-input=false", *([f"-plugin-dir={mirror}"] if mirror else [])]
    seconds(init, environ=environ, cwd=example)
    apply = ["terraform", "apply", "-auto-approve", "-input=false", "-var=name=terraform"]
    seconds([*apply, "-var=color=blue"], environ=environ, cwd=example)
    return apply


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if old not in text:
        sys.exit(f"{path.name} no longer says {old!r}; the benchmark must follow")
    path.write_text(text.replace(old, new))


def _elb_calls_of(command: list[str], world: Provisioned, environ: Mapping[str, str], directory: Path) -> Counter[str]:
    """The ELBv2 actions that `command` asks for, by the emulator's own recorder."""
    _post(world, "/moto-api/recorder/reset-recording")
    _post(world, "/moto-api/recorder/start-recording")
    seconds(command, environ=environ, cwd=directory)
    _post(world, "/moto-api/recorder/stop-recording")
    with urllib.request.urlopen(f"{world.endpoint_url}/moto-api/recorder/download-recording", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    requests = [json.loads(line) for line in lines if line.strip()]
    ours = [request for request in requests if f"Credential={_ACCESS_KEY}/" in request["headers"]["Authorization"]]
    bodies = [base64.b64decode(request["body"]).decode() for request in ours]
    return Counter(parse_qs(body)["Action"][0] for body in bodies if "Version=2015-12-01" in body)


def _post(world: Provisioned, path: str) -> None:
    request = urllib.request.Request(f"{world.endpoint_url}{path}", data=b"", method="POST")
    urllib.request.urlopen(request, timeout=10).close()


if __name__ == "__main__":
    main()
