"""The service that the demo releases: provisioned by Terraform, healthy, destroyed where the lab does not forget it."""

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from toolkit.errors import DemoFailed
from toolkit.lab.attach_options import AttachOptions
from toolkit.lab.demo.commands import Commands
from toolkit.lab.demo.scene import TARGETS
from toolkit.lab.handle import Lab

HEALTHY_SECONDS: Final = 60.0
Narrate = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """What both acts are played on. `directory` has the Terraform configuration, and takes the settings."""

    lab: Lab
    directory: Path
    narrate: Narrate
    service: str

    @property
    def commands(self) -> Commands:
        return Commands(self.lab, self.directory)

    @property
    def is_attached(self) -> bool:
        """Whether the endpoint is somebody else's."""
        return isinstance(self.lab.published.options, AttachOptions)

    @contextlib.contextmanager
    def provisioned(self, port: int) -> Iterator[str]:
        """Load balancer, pair and route for targets on `port`; where the traffic is to be sent.

        At the end it is destroyed, however that comes, unless the lab forgets it anyway.
        """
        try:
            yield self._provision(port)
        except BaseException:
            if self.is_attached and (self.directory / "terraform.tfstate").exists():
                self._destroy_what_there_is()
            raise
        if self.is_attached:
            self._destroy()

    def run(self, *words: str) -> str:
        """A command that must succeed; what it printed."""
        return self.commands.run(*words)

    def plan_is_empty(self) -> bool:
        """Whether Terraform would change nothing of what the releases have left."""
        self.narrate("terraform plan: is there anything it would change back?")
        code = self.commands.exit_code("infra", "plan", "--dir", str(self.directory), "--detailed-exitcode")
        if code not in (0, 2, 42):
            raise DemoFailed(f"`bluegreen infra plan` ended with exit code {code}.", hint="What it said is above.")
        return code == 0

    def wait_until_healthy(self, target_groups: Iterable[str] = ()) -> None:
        """Until every target is, for AWS as the toolkit sees it; and for an attached data plane, by these ARNs.

        Not every endpoint asks the data plane.
        """
        self.narrate("waiting until the load balancer finds every target healthy")
        arns = list(target_groups)
        deadline = time.monotonic() + HEALTHY_SECONDS
        while unwell := self._sick_now(arns):
            if time.monotonic() > deadline:
                raise DemoFailed(
                    f"after {HEALTHY_SECONDS:.0f} s not every target is healthy: {', '.join(unwell)}.",
                    hint="Is something else listening on their addresses?",
                )
            time.sleep(0.5)

    def _destroy(self) -> None:
        self.narrate("terraform destroy: the endpoint is left as it was found")
        self.run("infra", "destroy", "--dir", str(self.directory), "--yes", "--output", "json")

    def _destroy_what_there_is(self) -> None:
        try:
            self._destroy()
        except DemoFailed as error:  # another error is on its way already
            self.narrate(f"{error.message} {self.lab.endpoint_url} keeps what belongs to '{self.service}'.")

    def _provision(self, port: int) -> str:
        variables = {"name": self.service, "target_port": port, "targets": TARGETS}
        (self.directory / "demo.auto.tfvars.json").write_text(json.dumps(variables))
        self.run("infra", "init", "--dir", str(self.directory))
        self.narrate("terraform apply; about a minute, since the AWS provider sleeps twice 30 s on a load balancer")
        applied = json.loads(self.run("infra", "apply", "--dir", str(self.directory), "--yes", "--output", "json"))
        contract = applied["deployment"]
        self.wait_until_healthy(group["arn"] for group in contract["target_groups"].values())
        return f"{self.lab.listeners()[contract['routes'][0]['listener_arn']]}/"

    def _sick_now(self, target_groups: Sequence[str]) -> list[str]:
        if unwell := sick(json.loads(self.run("status", self.service, "--output", "json"))):
            return unwell
        if not self.is_attached:
            return []
        seen = {arn: self.lab.health(arn) for arn in target_groups}
        return [arn for arn, targets in seen.items() if not targets] + [
            f"{target['id']} {target['state']}"
            for targets in seen.values()
            for target in targets
            if target["state"] != "healthy"
        ]


def sick(status: Mapping[str, Any]) -> list[str]:
    """The targets that are not healthy, and what they are, in what `bluegreen status` says."""
    return [
        f"{color} {target['id']} {target['state']}"
        for color, found in status["colors"].items()
        for target in found["targets"]
        if target["state"] != "healthy"
    ]
