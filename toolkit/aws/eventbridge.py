"""Notifications to an event bus of EventBridge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.aws.session import aws_errors
from toolkit.aws.sns import unsent
from toolkit.errors import AwsError
from toolkit.rollout.notification import Notification, Unsent, json_text

if TYPE_CHECKING:
    from toolkit.aws.session import Session

SOURCE = "bluegreen"
LONGEST = 256 * 1024 - 4 * 1024
"""Bytes of a detail; the rest of an event counts too. Source: EventBridge user guide, PutEvents event entry size."""
_REFUSED = {"MalformedDetail", "InvalidArgument", "ValidationException", "InvalidParameterValue"}
_LATER = {"ThrottlingException", "InternalFailure", "InternalException"}
"""Source: EventBridge API reference, PutEventsResultEntry and common errors."""


class EventBridgeSink:
    """One event each: source `bluegreen`, detail-type the notification's event, detail its JSON."""

    def __init__(self, session: Session, bus: str) -> None:
        self._session = session
        self._bus = bus

    @property
    def _client(self) -> Any:
        return self._session.client("events", single=True)

    def send(self, notification: Notification) -> None:
        event = {
            "Source": SOURCE,
            "DetailType": notification.event,
            "Detail": json_text(notification, LONGEST),
            "Time": notification.at,
            "EventBusName": self._bus,
        }
        try:
            with aws_errors(f"putting an event on the bus {self._bus}"):
                answer = self._client.put_events(Entries=[event])
        except AwsError as error:
            raise unsent(error, refused=_REFUSED, later=_LATER) from error
        if answer.get("FailedEntryCount"):
            raise self._not_taken(answer)

    def _not_taken(self, answer: dict[str, Any]) -> Unsent:
        """The call was in order, and the event in it was not."""
        entry: dict[str, Any] = next(iter(answer.get("Entries") or ()), {})
        code, message = str(entry.get("ErrorCode", "no reason")), str(entry.get("ErrorMessage", ""))
        reason = f"putting an event on the bus {self._bus}: AWS answered {code}: {message}".rstrip(": ")
        return Unsent(reason, again=code in _LATER, refused=code in _REFUSED)
