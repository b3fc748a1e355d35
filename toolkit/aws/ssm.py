"""SSM Parameter Store: where Terraform leaves the deployment contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.aws.session import aws_errors, code_of
from toolkit.errors import UnknownService

if TYPE_CHECKING:
    from toolkit.aws.session import Session

ROOT = "/bluegreen"


def parameter_of(service: str) -> str:
    """The parameter that holds the contract of `service`, unless the settings say otherwise."""
    return f"{ROOT}/{service}/deployment"


class Parameters:
    """Contracts by parameter name."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _client(self) -> Any:
        return self._session.client("ssm")

    def contract(self, parameter: str, service: str) -> str:
        """The contract's JSON.

        Raises:
            UnknownService: there is no such parameter.
            AwsError: and its children.
        """
        from botocore.exceptions import ClientError

        with aws_errors(f"reading the contract of {service} from {parameter}"):
            try:
                return str(self._client.get_parameter(Name=parameter)["Parameter"]["Value"])
            except ClientError as error:
                if code_of(error) != "ParameterNotFound":
                    raise
                region = self._session.region
                raise UnknownService(
                    f"no service {service!r}: SSM in {region} has no parameter {parameter}",
                    hint="`bluegreen status` lists the services of this account and region; "
                    "--contract file:PATH reads a contract from a file.",
                ) from error

    def services(self) -> list[str]:
        """The names of all services that left a contract in this account and region, sorted."""
        with aws_errors("listing the services"):
            pages = self._client.get_paginator("get_parameters_by_path").paginate(Path=ROOT, Recursive=True)
            names = [parameter["Name"] for page in pages for parameter in page["Parameters"]]
        parts = [name.split("/") for name in names]
        return sorted(part[2] for part in parts if len(part) == 4 and part[3] == "deployment")  # noqa: PLR2004
