import pytest
from botocore import exceptions as boto

from toolkit.aws.session import Session, aws_errors
from toolkit.errors import AccessDenied, AwsError, AwsUnreachable, BluegreenError, CredentialsError, Throttled
from toolkit.settings import AwsSettings


def answer(code: str) -> boto.ClientError:
    return boto.ClientError({"Error": {"Code": code, "Message": "because"}}, "DescribeRules")


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (answer("Throttling"), Throttled),
        (answer("ThrottlingException"), Throttled),
        (answer("ExpiredToken"), CredentialsError),
        (answer("InvalidClientTokenId"), CredentialsError),
        (answer("AccessDenied"), AccessDenied),
        (answer("AccessDeniedException"), AccessDenied),
        (answer("InvalidConfigurationRequest"), AwsError),
        (boto.NoCredentialsError(), CredentialsError),
        (boto.PartialCredentialsError(provider="env", cred_var="x"), CredentialsError),
        (boto.TokenRetrievalError(provider="sso", error_msg="x"), CredentialsError),
        (boto.ProfileNotFound(profile="nobody"), CredentialsError),
        (boto.NoRegionError(), AwsError),
        (boto.ReadTimeoutError(endpoint_url="http://x"), AwsUnreachable),
        (boto.ConnectTimeoutError(endpoint_url="http://x"), AwsUnreachable),
        (boto.EndpointConnectionError(endpoint_url="http://x"), AwsUnreachable),
        (boto.ParamValidationError(report="x"), AwsError),
        (ValueError("Invalid endpoint: x"), AwsError),
    ],
)
def test_every_fault_of_aws_becomes_one_of_ours_that_says_what_was_done(
    raised: Exception, kind: type[BluegreenError]
) -> None:
    with pytest.raises(BluegreenError) as caught, aws_errors("reading the rules"):
        raise raised
    assert type(caught.value) is kind
    assert caught.value.message.startswith("reading the rules: ")
    assert caught.value.__cause__ is raised


def test_errors_of_our_own_pass_through() -> None:
    with pytest.raises(Throttled), aws_errors("x"):
        raise Throttled("already ours")


def test_an_unknown_profile_is_one_clear_error() -> None:
    with pytest.raises(CredentialsError, match="nobody"):
        Session(AwsSettings(profile="nobody")).client("elbv2")


def test_the_region_is_the_one_that_was_said_else_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert Session(AwsSettings()).region == "us-east-1"
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert Session(AwsSettings()).region == "eu-central-1"
    assert Session(AwsSettings(region="eu-west-1")).region == "eu-west-1"
