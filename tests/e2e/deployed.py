"""A service with a workload that `bluegreen infra apply` has provisioned on a lab, by one of the examples.

The provider waits a minute for a load balancer of its own making on any emulator, and a few seconds for one that it
imports. So Terraform makes the network first, the test the load balancer in it, and Terraform all the rest.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil

from tests.e2e.command import Commands, Ended
from tests.e2e.release import TERRAFORM, copied, free_port, given, infra, requests_until, until
from tests.support.provision import Provisioned
from toolkit.infra.program import chosen
from toolkit.lab.handle import Lab, start_lab
from toolkit.lab.load import LoadPlan, LoadProcess
from toolkit.lab.options import LabOptions
from toolkit.lab.processes import Recorded, is_running
from toolkit.lab.rehearsal.traffic import answers

TIME_SCALE = 0.1
"""Of health checks and deregistration: two checks of 5 s take one."""
SETTINGS = """
[service.web]
poll_seconds = 0.3
settle_seconds = 1
ready_seconds = 40
probe_via = "PLACE"

[service.web.retire]
after = "at once"
keep = 1

[strategy.quick]
step = [{ shift = 20, bake = "2s" }, { shift = 100, bake = "1s" }]

[strategy.long]
step = [{ shift = 20, bake = "8s" }, { shift = 100, bake = "1s" }]
"""
_ATTRIBUTES = {
    "access_logs.s3.enabled": "false",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.enabled": "false",
    "deletion_protection.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "true",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
"""All that the provider reads and the emulator does not have by itself: an update would cost half a minute."""
_IMPORT = """
import {{
  to = aws_lb.this
  id = "{arn}"
}}
"""


@dataclass(frozen=True)
class Standing:
    """What is asked for behind a color. revision: of what it runs. suspended: of its autoscaling, in AWS's words."""

    revision: str
    desired: int
    minimum: int
    maximum: int
    suspended: tuple[str, ...] = ()


@dataclass
class Deployed:
    """The world of the deployments' e2e tests. `pair` is what Terraform made, by its contract."""

    bluegreen: Commands
    lab: Lab
    directory: Path
    variables: dict[str, Any]
    pair: Provisioned

    @property
    def url(self) -> str:
        """Where the load balancer answers."""
        return f"{self.lab.listeners()[self.pair.listener_arn]}/"

    def infra(self, command: str, *words: str, **changed: Any) -> Ended:
        """`bluegreen infra COMMAND` with the world's variables, some of them `changed`."""
        return infra(self.bluegreen, self.directory, command, {**self.variables, **changed}, *words)

    def status(self) -> Any:
        return self.bluegreen("status", "web", "-o", "json").json()

    @property
    def live(self) -> str:
        """The color that carries all traffic."""
        (color,) = (color for color, weight in self.pair.weights().items() if weight)
        return color

    @property
    def idle(self) -> str:
        return "green" if self.live == "blue" else "blue"

    def sides(self) -> dict[str, Standing]:
        """What runs behind each color, as AWS itself tells it."""
        workload = self.pair.contract["workload"]
        read = _service if workload["kind"] == "ecs" else _group
        return {color: read(self.pair, workload, color) for color in ("blue", "green")}

    def autoscaler(self, door: str, **asked: Any) -> dict[str, Any]:
        """Let the lab's autoscaler want so many; what it made of it."""
        body = json.dumps({"region": self.pair.contract["region"], **asked}).encode()
        url = f"{self.lab.endpoint_url}/_lab/compute/{door}"
        with urlopen(Request(url, body, {"Content-Type": "application/json"}), timeout=10) as answer:
            told: dict[str, Any] = json.load(answer)
        return told

    def deploy(self, *words: str, strategy: str = "quick") -> Ended:
        """`bluegreen deploy web` to its end."""
        return self.bluegreen("deploy", "web", *words, "--strategy", strategy, timeout=150.0)

    @contextmanager
    def deploying(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """A deployment by the long canary, once the canary has its share and that is recorded."""
        before = len(self.journal())
        with self.bluegreen.started("deploy", "web", *words, "--strategy", "long") as process:
            until(lambda: self._has_shifted(before) or process.poll() is not None, seconds=90.0)
            assert process.poll() is None, process.communicate()
            yield process

    def _has_shifted(self, before: int) -> bool:
        return any(entry["event"] == "ShiftVerified" for entry in self.journal()[before:])

    def plan_exit_code(self) -> int:
        """0: an apply would change nothing."""
        planned = self.infra("plan", "--detailed-exitcode")
        assert planned.code in {0, 2, 42}, planned.err
        return planned.code

    def drift(self) -> Ended:
        """`bluegreen drift web`, looking at a plan with the world's variables too."""
        return self.bluegreen("drift", "web", "--dir", str(self.directory), *given(self.variables), timeout=180.0)

    def versions(self, count: int = 20) -> dict[str, int]:
        """How many of `count` requests each version answers just now."""
        return answers(self.url, count, path="", headers={}, by="X-Version")

    def healthy(self, color: str) -> int:
        """How many targets of a color are healthy."""
        found = self.pair.client("elbv2").describe_target_health(TargetGroupArn=self.pair.group(color))
        return sum(each["TargetHealth"]["State"] == "healthy" for each in found["TargetHealthDescriptions"])

    def journal(self) -> list[dict[str, Any]]:
        """Every entry of the journal, as it is stored."""
        table = self.pair.contract["state_table"]["name"]
        items = self.pair.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
        entries = [json.loads(item["entry"]["S"]) for item in items if "entry" in item]
        return sorted(entries, key=lambda entry: int(entry["sequence"]))

    def played(self) -> list[Recorded]:
        """The processes that play tasks or instances just now."""
        recorded = self.lab.state.processes()
        return [process for process in recorded if process.what.startswith("app ") and is_running(process)]

    def listening(self) -> list[str]:
        """The addresses on which the lab and all that it has started listen."""
        family = {psutil.Process(process.pid) for process in self.lab.state.processes() if is_running(process)}
        family |= {child for process in family for child in process.children(recursive=True)}
        sockets = [one for process in family for one in process.net_connections("inet") if not one.raddr]
        return [one.laddr.ip for one in sockets]

    @contextmanager
    def load(self, *, rate: float = 100.0) -> Iterator[LoadProcess]:
        """Traffic on kept connections, half of it POST, that has begun; nothing is retried."""
        with LoadProcess(LoadPlan(self.url, rate=rate, post_share=0.5, connections=8)) as load:
            self.lab.record(load.pid, "load generator")
            requests_until(load, 20)
            yield load


@contextmanager
def applied(scratch: Path, example: str, images: Mapping[str, str] | None = None, **changed: Any) -> Iterator[Deployed]:
    """The example applied, and two healthy targets behind blue; all of it stopped at the end.

    images: names of AMIs to register first, by the variable that takes the id.
    """
    variables: dict[str, Any] = {
        "name": "web",
        "listener_port": free_port(),
        "deletion_protection": False,
        "health_check_interval_seconds": 5,
        "deregistration_delay_seconds": 5,
        **changed,
    }
    directory = copied(TERRAFORM, scratch) / "examples" / example
    with ExitStack() as stack:
        options = LabOptions(name=example, time_scale=TIME_SCALE)
        lab = stack.enter_context(start_lab(options, root=scratch / "labs"))
        bluegreen = Commands(_environ(lab, scratch), scratch)
        known = Provisioned(lab.endpoint_url, {}, "")
        for variable, name in (images or {}).items():
            variables[variable] = known.client("ec2").register_image(Name=name)["ImageId"]
        begun = bluegreen("infra", "init", "--dir", str(directory))
        assert begun.code == 0, begun.err
        _apply_network(bluegreen, directory, variables)
        (directory / "import.tf").write_text(_IMPORT.format(arn=_load_balancer(known, str(variables["name"]))))
        ended = infra(bluegreen, directory, "apply", variables, "--yes", "-o", "json")
        contract = ended.json()["deployment"]
        pair = Provisioned(lab.endpoint_url, contract, contract["routes"][0]["listener_arn"])
        world = Deployed(bluegreen, lab, directory, variables, pair)
        (scratch / "bluegreen.toml").write_text(SETTINGS.replace("PLACE", world.url.split("/")[2]))
        until(lambda: world.healthy("blue") == 2)
        yield world


def _service(pair: Provisioned, workload: Mapping[str, Any], color: str) -> Standing:
    cluster, name = workload["cluster"], workload["services"][color]
    service = pair.client("ecs").describe_services(cluster=cluster, services=[name])["services"][0]
    found = pair.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="ecs", ResourceIds=[f"service/{cluster}/{name}"]
    )
    target = found["ScalableTargets"][0]
    return Standing(
        service["taskDefinition"].rpartition("/")[2],
        service["desiredCount"],
        target["MinCapacity"],
        target["MaxCapacity"],
        tuple(sorted(name for name, is_off in target.get("SuspendedState", {}).items() if is_off)),
    )


def _group(pair: Provisioned, workload: Mapping[str, Any], color: str) -> Standing:
    name = workload["groups"][color]
    group = pair.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][
        0
    ]
    return Standing(
        group["LaunchTemplate"]["Version"],
        group["DesiredCapacity"],
        group["MinSize"],
        group["MaxSize"],
        tuple(sorted(each["ProcessName"] for each in group["SuspendedProcesses"])),
    )


def _apply_network(bluegreen: Commands, directory: Path, variables: Mapping[str, Any]) -> None:
    spelled = ["-var" if word == "--var" else word for word in given(variables)]
    program = chosen(bluegreen.environ).command
    words = (program, "apply", "-auto-approve", "-input=false", "-target=module.network", *spelled)
    ended = subprocess.run(
        words, cwd=directory, env=dict(bluegreen.environ), capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr


def _load_balancer(known: Provisioned, name: str) -> str:
    """The load balancer as the example describes it, so that its import changes nothing."""
    ec2, elbv2 = known.client("ec2"), known.client("elbv2")
    named = [{"Name": "tag:bluegreen:service", "Values": [name]}]
    subnets = [each["SubnetId"] for each in ec2.describe_subnets(Filters=named)["Subnets"]]
    by_name = [{"Name": "group-name", "Values": [f"{name}-load-balancer"]}]
    groups = [each["GroupId"] for each in ec2.describe_security_groups(Filters=by_name)["SecurityGroups"]]
    made = elbv2.create_load_balancer(
        Name=name,
        Subnets=subnets,
        SecurityGroups=groups,
        Scheme="internet-facing",
        Tags=[{"Key": "bluegreen:service", "Value": name}],
    )["LoadBalancers"][0]["LoadBalancerArn"]
    attributes = [{"Key": key, "Value": value} for key, value in _ATTRIBUTES.items()]
    elbv2.modify_load_balancer_attributes(LoadBalancerArn=made, Attributes=attributes)
    return str(made)


def _environ(lab: Lab, scratch: Path) -> dict[str, str]:
    return {
        **lab.environ,
        "BLUEGREEN_LAB_DIR": str(lab.state.path.parent),
        "XDG_CACHE_HOME": str(scratch / "cache"),
        "XDG_STATE_HOME": str(scratch / "state"),
        "COLUMNS": "200",
    }
