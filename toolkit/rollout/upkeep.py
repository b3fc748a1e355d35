"""How long the side without traffic is kept beside the live one, and what that costs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from toolkit.errors import UsageError
from toolkit.rollout.record import Record
from toolkit.rollout.strategy import parse_duration
from toolkit.settings import PriceSettings
from toolkit.traffic import Color, Split

MONTH_HOURS = 730.0
"""Hours of a month, as AWS's price lists count them: 365 days of 24 hours, by twelve."""
AT_ONCE, NEVER = "at once", "never"


def parse_after(text: str) -> float | None:
    """When the old side is retired, as an operator writes it: a duration, `at once`, or `never` (None).

    Raises:
        UsageError: anything else, saying what to write.
    """
    said = " ".join(text.split()).lower()
    if said == NEVER:
        return None
    if said == AT_ONCE:
        return 0.0
    try:
        return parse_duration(said)
    except UsageError as error:
        raise UsageError(error.message, hint=f"Write 10m, 1h30m, '{AT_ONCE}' or {NEVER}.") from None


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What the side without traffic is kept at. targets: asked for. since: it lost the traffic; None: unknown."""

    color: Color
    targets: int
    since: datetime | None = None

    def hours(self, now: datetime) -> float | None:
        """For how long already; None: unknown."""
        return None if self.since is None else max(0.0, (now - self.since).total_seconds() / 3600)

    def month(self, price: PriceSettings) -> float:
        """What a month of it costs, in the price's currency."""
        return self.targets * price.target_hour * MONTH_HOURS


def upkeep(record: Record, live: Color, targets: int) -> Upkeep:
    """Of the color that is not `live`. Since when is known where the last move on record made `live` so.

    A promotion counts from its own time, a shift or a rollback from when it was read back.
    """
    is_known = not record.in_doubt and (record.promoted is live or record.meant == Split.all_to(live))
    return Upkeep(live.other, targets, record.at if is_known else None)
