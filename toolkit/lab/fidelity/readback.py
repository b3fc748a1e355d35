"""The seam with moto's launch templates and scaling policies: they say of themselves what AWS says.

moto takes a launch template's own tags for part of what it launches, and forgets of a scaling policy whether it is on.
Either has Terraform plan a change for ever.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from moto.autoscaling.responses import AutoScalingResponse
from moto.ec2.responses.launch_templates import LaunchTemplates

from toolkit.lab.fidelity.launch_templates import create_launch_template_version
from toolkit.lab.fidelity.patches import Patches

_OWN_TAGS: Final = "launch-template"


class ReadbackFidelity(Patches):
    """The patches, in force from `install` to `uninstall`; one at a time, since moto's classes are global."""

    def _patch(self) -> None:
        self._replace(
            LaunchTemplates, "create_launch_template", _without_its_tags(LaunchTemplates.create_launch_template)
        )
        self._replace(LaunchTemplates, "create_launch_template_version", create_launch_template_version)
        self._replace(AutoScalingResponse, "put_scaling_policy", _switched(AutoScalingResponse.put_scaling_policy))


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
