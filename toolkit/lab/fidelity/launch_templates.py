"""A new version of a launch template, made from its source. moto knows no source, and no token."""

from copy import deepcopy
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import InvalidLaunchTemplateVersionNotFound
from moto.ec2.utils import parse_user_data


def create_launch_template_version(response: Any) -> ActionResult:
    """In place of moto's.

    A version inherits the parameters of `SourceVersion` that the request does not name, but for snapshots.
    Source: EC2 API reference, CreateLaunchTemplateVersion.
    """
    read = response._get_param  # noqa: SLF001  moto's own way to read a request
    backend, template_id = response.ec2_backend, read("LaunchTemplateId")
    template = (
        backend.get_launch_template(template_id)
        if template_id
        else backend.get_launch_template_by_name(read("LaunchTemplateName"))
    )
    response.error_on_dryrun()
    tokens = template.__dict__.setdefault("lab_tokens", {})
    token, source = read("ClientToken"), read("SourceVersion")
    version = tokens.get(token) if token else None
    if version is None:
        asked = dict(read("LaunchTemplateData", {}))
        if asked.get("UserData") is not None:
            asked["UserData"] = parse_user_data(read("LaunchTemplateData.UserData"))
        inherited = _inherited(template, source) if source else {}
        version = template.create_version({**inherited, **asked}, read("VersionDescription"))
        if token:
            tokens[token] = version
    return ActionResult({"LaunchTemplateVersion": _answer(response, template, version)})


def _inherited(template: Any, source: str) -> dict[str, Any]:
    if source not in {"$Latest", "$Default"} and not 1 <= int(source) <= len(template.versions):
        raise InvalidLaunchTemplateVersionNotFound(template_id=template.id, version=source)
    data = {key: value for key, value in template.get_version(source).data.items() if value is not None}
    if "BlockDeviceMappings" in data:
        data["BlockDeviceMappings"] = deepcopy(data["BlockDeviceMappings"])
        for device in data["BlockDeviceMappings"]:
            device.get("Ebs", {}).pop("SnapshotId", None)
    return data


def _answer(response: Any, template: Any, version: Any) -> dict[str, Any]:
    return {
        "CreateTime": version.create_time,
        "CreatedBy": f"arn:{response.partition}:iam::{response.current_account}:root",
        "DefaultVersion": template.is_default(version),
        "LaunchTemplateData": version.data,
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "VersionDescription": version.description,
        "VersionNumber": version.number,
    }
