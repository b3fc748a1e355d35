"""Launch templates: versions that differ in their AMI alone, made once, and AMIs that EC2 would launch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.stub import Stubber
from moto import mock_aws

from tests.aws.asg_answers import a_session
from toolkit.aws.launch_templates import LaunchTemplates, TemplateVersion
from toolkit.aws.session import Session
from toolkit.errors import AccessDenied, PreflightRefused, VerifyFailed
from toolkit.lab.fidelity.readback import ReadbackFidelity

DATA: dict[str, Any] = {
    "ImageId": "ami-1",
    "InstanceType": "t3.micro",
    "UserData": "IyEvYmluL3NoCg==",
    "SecurityGroupIds": ["sg-1"],
    "Monitoring": {"Enabled": False},
}
BY = TemplateVersion("lt-1", 7, DATA)


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # there are thousands
    with mock_aws(), ReadbackFidelity():
        yield a_session(None).client("ec2")


@pytest.fixture
def templates(ec2: Any) -> LaunchTemplates:
    return LaunchTemplates(a_session(None))


@pytest.fixture
def session() -> Session:
    return a_session()


@pytest.fixture
def stub(session: Session) -> Iterator[Stubber]:
    with Stubber(session.client("ec2")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def a_template(ec2: Any) -> str:
    made = ec2.create_launch_template(LaunchTemplateName="web-green", LaunchTemplateData=DATA)
    return str(made["LaunchTemplate"]["LaunchTemplateId"])


def found(templates: LaunchTemplates, template: str, version: str) -> TemplateVersion:
    version_found = templates.find(template, version)
    assert version_found is not None
    return version_found


def answered(number: int, **data: Any) -> dict[str, Any]:
    return {"LaunchTemplateId": "lt-1", "VersionNumber": number, "LaunchTemplateData": data}


def test_a_version_is_found_by_number_and_by_alias_and_told_by_its_number(templates: LaunchTemplates, ec2: Any) -> None:
    template = a_template(ec2)
    made = templates.make(found(templates, template, "1"), "ami-2", "why")
    assert made.revision == f"{template}:2"
    assert found(templates, template, "$Latest") == found(templates, template, "2") == made
    assert found(templates, template, "$Default").number == 1
    assert templates.find(template, "3") is None
    assert templates.find("lt-0123456789abcdef0", "1") is None


def test_a_version_that_is_made_differs_in_its_ami_alone_and_says_why(templates: LaunchTemplates, ec2: Any) -> None:
    template = a_template(ec2)
    by = found(templates, template, "1")
    made = templates.make(by, "ami-2", "w" * 300)
    assert dict(made.data) == {**DATA, "ImageId": "ami-2"}
    assert made.beside_the_image(by) == ()
    held = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["2"])
    assert held["LaunchTemplateVersions"][0]["VersionDescription"] == "w" * 255


def test_what_stands_there_already_is_not_made_again(templates: LaunchTemplates, ec2: Any) -> None:
    template = a_template(ec2)
    by = found(templates, template, "1")
    assert templates.with_image(by, "ami-1") == by
    assert templates.with_image(by, "ami-2") is None
    made = templates.make(by, "ami-2", "why")
    assert templates.with_image(by, "ami-2") == made


def test_a_newest_version_that_differs_in_more_is_not_taken_for_it(templates: LaunchTemplates, ec2: Any) -> None:
    template = a_template(ec2)
    other = {**DATA, "ImageId": "ami-2", "InstanceType": "t3.small"}
    ec2.create_launch_template_version(LaunchTemplateId=template, LaunchTemplateData=other)
    assert templates.with_image(found(templates, template, "1"), "ami-2") is None


def test_one_that_aws_made_otherwise_is_an_error_that_says_what_differs(session: Session, stub: Stubber) -> None:
    made = answered(8, **{name: value for name, value in DATA.items() if name != "UserData"} | {"ImageId": "ami-2"})
    stub.add_response("create_launch_template_version", {"LaunchTemplateVersion": made})
    stub.add_response("describe_launch_template_versions", {"LaunchTemplateVersions": [made]})
    with pytest.raises(VerifyFailed, match=r"version 8 .* made by version 7, .* more than its AMI: UserData") as caught:
        LaunchTemplates(session).make(BY, "ami-2", "why")
    assert "--launch-template-version" in caught.value.hint


def test_tags_in_another_order_are_the_same_and_other_tags_are_not() -> None:
    def version(*kinds: str, tags: str) -> TemplateVersion:
        said = [{"Key": key, "Value": f"{key}-1"} for key in tags]
        return TemplateVersion("lt-1", 8, {"TagSpecifications": [{"ResourceType": k, "Tags": said} for k in kinds]})

    by = version("instance", "volume", tags="ab")
    assert version("volume", "instance", tags="ba").beside_the_image(by) == ()
    for other in (version("instance", "volume", tags="a"), version("instance", tags="ab"), TemplateVersion("", 1, {})):
        assert other.beside_the_image(by) == by.beside_the_image(other) == ("TagSpecifications",)


def test_a_short_answer_to_the_making_is_looked_up(session: Session, stub: Stubber) -> None:
    stub.add_response("create_launch_template_version", {"LaunchTemplateVersion": answered(8, ImageId="ami-2")})
    whole = answered(8, **{**DATA, "ImageId": "ami-2"})
    stub.add_response("describe_launch_template_versions", {"LaunchTemplateVersions": [whole]})
    assert LaunchTemplates(session).make(BY, "ami-2", "why").revision == "lt-1:8"


def test_an_ami_that_is_looked_up_at_each_launch_is_told_as_it_is() -> None:
    named = "resolve:ssm:/web/ami"
    assert TemplateVersion("lt-1", 1, {"ImageId": named}).image == named


def test_an_ami_that_can_be_launched_is_let_pass(templates: LaunchTemplates, ec2: Any) -> None:
    image = ec2.register_image(Name="web-1.1.0")["ImageId"]
    templates.refuse_unfit(image, "t3.micro")
    templates.refuse_unfit(image, "")


@pytest.mark.parametrize("image", ["ami-0123456789abcdef0", "web-1.1.0"])
def test_an_ami_that_is_not_there_is_refused(templates: LaunchTemplates, image: str) -> None:
    with pytest.raises(PreflightRefused, match=f"there is no AMI {image}"):
        templates.refuse_unfit(image, "t3.micro")


def test_an_ami_for_other_processors_is_refused(session: Session, stub: Stubber) -> None:
    image = {"ImageId": "ami-2", "State": "available", "Architecture": "arm64"}
    types = [{"InstanceType": "t2.micro", "ProcessorInfo": {"SupportedArchitectures": ["i386", "x86_64"]}}]
    stub.add_response("describe_images", {"Images": [image]})
    stub.add_response("describe_instance_types", {"InstanceTypes": types}, {"InstanceTypes": ["t2.micro"]})
    with pytest.raises(PreflightRefused, match=r"is for arm64, and t2\.micro runs i386 and x86_64"):
        LaunchTemplates(session).refuse_unfit("ami-2", "t2.micro")


def test_an_ami_that_is_not_ready_yet_is_refused(session: Session, stub: Stubber) -> None:
    pending = {"ImageId": "ami-2", "State": "pending", "Architecture": "x86_64"}
    stub.add_response("describe_images", {"Images": [pending]}, {"ImageIds": ["ami-2"]})
    with pytest.raises(PreflightRefused, match="ami-2 is pending, not available") as caught:
        LaunchTemplates(session).refuse_unfit("ami-2", "t3.micro")
    assert "aws ec2 wait image-available" in caught.value.hint


def test_what_is_denied_says_what_was_being_done(session: Session, stub: Stubber) -> None:
    templates = LaunchTemplates(session)
    calls: tuple[tuple[str, Callable[[], object], str], ...] = (
        ("describe_launch_template_versions", lambda: templates.find("lt-1", "7"), "reading version 7 of .* lt-1"),
        ("create_launch_template_version", lambda: templates.make(BY, "ami-2", "why"), "making a version of .* lt-1"),
        ("describe_images", lambda: templates.refuse_unfit("ami-2", ""), "reading the AMI ami-2"),
    )
    for call, ask, told in calls:
        stub.add_client_error(call, "UnauthorizedOperation", "no", 403)
        with pytest.raises(AccessDenied, match=told):
            ask()
