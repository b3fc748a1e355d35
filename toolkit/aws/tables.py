"""DynamoDB tables, before one becomes the record of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.aws.session import aws_errors, code_of
from toolkit.contract import StateTable
from toolkit.errors import AdoptionRefused

if TYPE_CHECKING:
    from toolkit.aws.session import Session

_KEYS = {("pk", "HASH", "S"), ("sk", "RANGE", "S")}


class Tables:
    """The DynamoDB tables of the account and region."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _client(self) -> Any:
        return self._session.client("dynamodb")

    def state_table(self, name: str) -> StateTable:
        """The table of that name, if it can hold a record.

        Raises:
            AdoptionRefused: there is none, or its keys are others.
            AwsError: and its children.
        """
        from botocore.exceptions import ClientError

        hint = "terraform/modules/rollout-state makes one; without --state-table the record stays on this machine."
        with aws_errors(f"reading table {name}"):
            try:
                table = self._client.describe_table(TableName=name)["Table"]
            except ClientError as error:
                if code_of(error) != "ResourceNotFoundException":
                    raise
                raise AdoptionRefused(
                    f"there is no DynamoDB table {name} in this account and region", hint=hint
                ) from error
        types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
        keys = {(key["AttributeName"], key["KeyType"], types[key["AttributeName"]]) for key in table["KeySchema"]}
        if keys != _KEYS:
            raise AdoptionRefused(
                f"table {name} cannot hold a record: its key is {_spelled(keys)}, not {_spelled(_KEYS)}", hint=hint
            )
        return StateTable(name=table["TableName"], arn=table["TableArn"])


def _spelled(keys: set[tuple[str, str, str]]) -> str:
    return " and ".join(f"{name} ({kind}, {type_})" for name, kind, type_ in sorted(keys, key=lambda key: key[1]))
