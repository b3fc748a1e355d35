"""EC2 launch templates: their versions, making one that differs in its AMI, and whether an AMI can be launched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.aws.session import aws_errors, code_of
from toolkit.errors import PreflightRefused, VerifyFailed

if TYPE_CHECKING:
    from toolkit.aws.session import Session

_ABSENT = frozenset(
    {
        "InvalidLaunchTemplateId.VersionNotFound",
        "InvalidLaunchTemplateId.NotFound",
        "InvalidLaunchTemplateName.NotFoundException",
    }
)
_NO_IMAGE = frozenset({"InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "InvalidAMIID.Unavailable"})
_TAGS = "TagSpecifications"
_DESCRIPTION_LENGTH = 255  # Source: EC2 API reference, CreateLaunchTemplateVersion


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """A version of a launch template. template: its id. data: what it says, in AWS's words."""

    template: str
    number: int
    data: Mapping[str, Any]

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> TemplateVersion:
        data = {name: value for name, value in answer["LaunchTemplateData"].items() if value not in (None, [], {})}
        return cls(str(answer["LaunchTemplateId"]), int(answer["VersionNumber"]), data)

    @property
    def image(self) -> str:
        """An AMI's id, or `resolve:ssm:…`, which EC2 looks up at each launch. Empty where it names none."""
        return str(self.data.get("ImageId", ""))

    @property
    def revision(self) -> str:
        return f"{self.template}:{self.number}"

    def beside_the_image(self, other: TemplateVersion) -> tuple[str, ...]:
        """The names of what differs between the two, but for the AMI; sorted. The order of tags means nothing."""
        mine, theirs = _with_ordered_tags(self.data), _with_ordered_tags(other.data)
        names = {*mine, *theirs} - {"ImageId"}
        return tuple(sorted(name for name in names if mine.get(name) != theirs.get(name)))


def _with_ordered_tags(data: Mapping[str, Any]) -> dict[str, Any]:
    specified = [
        {**each, "Tags": sorted(each.get("Tags", ()), key=lambda tag: str(tag["Key"]))} for each in data.get(_TAGS, ())
    ]
    return {**data, _TAGS: sorted(specified, key=lambda each: str(each["ResourceType"]))}


class LaunchTemplates:
    """The launch templates and AMIs of the account and region."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _client(self) -> Any:
        return self._session.client("ec2")

    def find(self, template: str, version: str) -> TemplateVersion | None:
        """version: a number, `$Latest` or `$Default`. None where there is none. Raises AwsError and its children."""
        from botocore.exceptions import ClientError

        with aws_errors(f"reading version {version} of the launch template {template}"):
            try:
                found = self._client.describe_launch_template_versions(LaunchTemplateId=template, Versions=[version])
            except ClientError as error:
                if code_of(error) in _ABSENT:
                    return None
                raise
        return next(map(TemplateVersion.of, found["LaunchTemplateVersions"]), None)

    def with_image(self, by: TemplateVersion, image: str) -> TemplateVersion | None:
        """The version that differs from `by` in its AMI alone, if it is there already: itself, or the newest one.

        Raises:
            AwsError: and its children.
        """
        if by.image == image:
            return by
        newest = self.find(by.template, "$Latest")
        return newest if newest and newest.image == image and not newest.beside_the_image(by) else None

    def make(self, by: TemplateVersion, image: str, why: str) -> TemplateVersion:
        """A new version that differs from `by` in its AMI alone. The SDK sends a token, so its retries make one.

        Raises:
            VerifyFailed: what AWS made differs in more.
            AwsError: and its children.
        """
        with aws_errors(f"making a version of the launch template {by.template}"):
            answer = self._client.create_launch_template_version(
                LaunchTemplateId=by.template,
                SourceVersion=str(by.number),
                VersionDescription=why[:_DESCRIPTION_LENGTH],
                LaunchTemplateData={"ImageId": image},
            )
        made = TemplateVersion.of(answer["LaunchTemplateVersion"])
        if made.image != image or made.beside_the_image(by):
            made = self.find(made.template, str(made.number)) or made
        different = made.beside_the_image(by)
        if made.image != image or different:
            raise VerifyFailed(
                f"version {made.number} of the launch template {made.template} was made by version {by.number}, and "
                f"AWS says that it differs in more than its AMI: {', '.join(different) or made.image}. Nothing uses it",
                hint="Make a version by hand, and deploy it with --launch-template-version. EC2 leaves the snapshots "
                "of block devices behind, for one.",
            )
        return made

    def refuse_unfit(self, image: str, instance_type: str) -> None:
        """Let nobody wait for instances that EC2 would not launch. instance_type: empty where it is not one alone.

        Raises:
            PreflightRefused: there is no such AMI, it cannot be launched (yet), or not on such instances.
            AwsError: and its children.
        """
        found = self._image(image)
        if found is None:
            raise PreflightRefused(
                f"there is no AMI {image} that this account may launch here",
                hint="Check its id and the region; an AMI of another account must be shared with this one.",
            )
        if found["State"] != "available":
            raise PreflightRefused(
                f"AMI {image} is {found['State']}, not available",
                hint=f"Wait for it: aws ec2 wait image-available --image-ids {image}",
            )
        built_for = found.get("Architecture")
        known = self._architectures(instance_type) if instance_type and built_for else []
        if known and built_for not in known:
            raise PreflightRefused(
                f"AMI {image} is for {built_for}, and {instance_type} runs {' and '.join(known)}",
                hint="Deploy an AMI of that architecture, or go by a launch template version of another instance type.",
            )

    def _image(self, image: str) -> Mapping[str, Any] | None:
        from botocore.exceptions import ClientError

        with aws_errors(f"reading the AMI {image}"):
            try:
                found = self._client.describe_images(ImageIds=[image])["Images"]
            except ClientError as error:
                if code_of(error) in _NO_IMAGE:
                    return None
                raise
        return next(iter(found), None)

    def _architectures(self, instance_type: str) -> list[str]:
        with aws_errors(f"reading the instance type {instance_type}"):
            found = self._client.describe_instance_types(InstanceTypes=[instance_type])["InstanceTypes"]
        return [str(name) for each in found for name in each.get("ProcessorInfo", {}).get("SupportedArchitectures", ())]
