"""The seam with moto's launch templates and scaling policies: they say of themselves what AWS says.

moto takes a launch template's own tags for part of what it launches, and forgets of a scaling policy whether it is on.
Either has Terraform plan a change for ever.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, Self

from moto.autoscaling.responses import AutoScalingResponse
from moto.ec2.responses.launch_templates import LaunchTemplates

from toolkit.lab.fidelity.launch_templates import create_launch_template_version

_OWN_TAGS: Final = "launch-template"


class ReadbackFidelity:
    """The patches, in force from `install` to `uninstall`; one at a time, since moto's classes are global."""

    def __init__(self) -> None:
        self._originals: list[tuple[type, str, Any]] = []

    def install(self) -> Self:
        if self._originals:
            raise RuntimeError("the patches of what is read back are installed already")
        self._replace(
            LaunchTemplates, "create_launch_template", _without_its_tags(LaunchTemplates.create_launch_template)
        )
        self._replace(LaunchTemplates, "create_launch_template_version", create_launch_template_version)
        self._replace(AutoScalingResponse, "put_scaling_policy", _switched(AutoScalingResponse.put_scaling_policy))
        return self

    def uninstall(self) -> None:
        for owner, name, original in reversed(self._originals):
            setattr(owner, name, original)
        self._originals.clear()

    def __enter__(self) -> Self:
        return self.install()

    def __exit__(self, *_: object) -> None:
        self.uninstall()

    def _replace(self, owner: type, name: str, replacement: Callable[[Any], Any]) -> None:
        self._originals.append((owner, name, inspect.getattr_static(owner, name)))
        setattr(owner, name, replacement)


def _without_its_tags(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The tags of the template itself are no part of its data.

    Source: EC2 API reference, LaunchTemplateTagSpecificationRequest: the data names what is made at a launch.
    """

    @wraps(original)
    def answer(response: Any) -> Any:
        result = original(response)
        name = response._get_param("LaunchTemplateName")  # noqa: SLF001  moto's own way to read a request
        data = response.ec2_backend.get_launch_template_by_name(name).versions[0].data
        launched = [tags for tags in data.pop("TagSpecifications", []) if tags["ResourceType"] != _OWN_TAGS]
        if launched:
            data["TagSpecifications"] = launched
        return result

    return answer


def _switched(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A policy is on unless it was made off, and has a predictive part only if it was given one."""

    @wraps(original)
    def answer(response: Any) -> Any:
        result = original(response)
        read = response._get_param  # noqa: SLF001  moto's own way to read a request
        policy = response.autoscaling_backend.policies[read("PolicyName")]
        policy.enabled = read("Enabled") is not False
        policy.predictive_scaling_configuration = policy.predictive_scaling_configuration or None
        return result

    return answer
