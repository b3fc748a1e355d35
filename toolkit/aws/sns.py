"""Notifications to an SNS topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.aws.session import aws_errors, code_of
from toolkit.errors import AwsError, AwsUnreachable, Throttled
from toolkit.rollout.notification import Notification, Unsent, json_text

if TYPE_CHECKING:
    from toolkit.aws.session import Session

LONGEST = 256 * 1024 - 4 * 1024
"""Bytes of a message; its attributes count too. Source: SNS API reference, Publish."""
_SUBJECT_LENGTH = 100
_REFUSED = {"InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "ValidationError"}
_LATER = {"KMSThrottling", "KMSThrottlingException", "InternalError", "InternalFailure"}


class SnsSink:
    """One message each: the JSON of `rollout.notification`, with attributes to filter by."""

    def __init__(self, session: Session, topic: str) -> None:
        self._session = session
        self._topic = topic

    @property
    def _client(self) -> Any:
        return self._session.client("sns", single=True)

    def send(self, notification: Notification) -> None:
        told = {"service": notification.service, "event": notification.event, "severity": notification.severity.value}
        message: dict[str, Any] = {
            "TopicArn": self._topic,
            "Subject": _subject(notification),
            "Message": json_text(notification, LONGEST),
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in told.items() if value
            },
        }
        if self._topic.endswith(".fifo"):
            head = notification.head
            message["MessageGroupId"] = notification.service
            message["MessageDeduplicationId"] = f"{head.sequence}-{head.hash}-{notification.event}"
        try:
            with aws_errors(f"publishing to {self._topic}"):
                self._client.publish(**message)
        except AwsError as error:
            raise unsent(error, refused=_REFUSED, later=_LATER) from error


def unsent(error: AwsError, *, refused: set[str], later: set[str]) -> Unsent:
    """Why it was not taken, by AWS's code: for what it is, for now, or until somebody mends the cause."""
    code = code_of(error.__cause__) if error.__cause__ else ""
    again = isinstance(error, Throttled | AwsUnreachable) or code in later
    return Unsent(error.message, again=again, refused=code in refused)


def _subject(notification: Notification) -> str:
    """What the subject of a mail is. Source: SNS API reference, Publish: ASCII, less than 100 characters, one line."""
    text = f"bluegreen: {notification.service} {notification.event} ({notification.severity})"
    return text.encode("ascii", "replace").decode()[: _SUBJECT_LENGTH - 1]
