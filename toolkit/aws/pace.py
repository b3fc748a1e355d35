"""Keeping to a rate: a number of calls at once, then one at a time, so that AWS need not throttle us.

Others use the same account, so AWS may throttle all the same. Then what is not urgent slows down, and comes back to
speed by and by.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

_DEAREST = 8.0
"""Tokens a call costs at most. Slower than an eighth of the rate would help AWS no further, and people would notice."""
_CHEAPER = 0.95
"""The cost falls by this with every call that AWS takes: back from double to single after 14 calls."""
_ONE_EVENT_SECONDS = 1.0
"""Calls under way together are throttled together: within this, they count as one."""
_ROUNDING = 1e-9


class Pace:
    """A token bucket: `burst` calls at once, and `per_second` more each second. Shared by threads, which take turns.

    reserve: how much of the burst is left to urgent calls. Those do not slow down either.
    """

    def __init__(
        self,
        *,
        burst: int,
        per_second: float,
        reserve: int = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._burst = burst
        self._per_second = per_second
        self._reserve = reserve
        self._clock = clock
        self._sleep = sleep
        self._bucket = Lock()
        self._turns = {True: Lock(), False: Lock()}  # held by the one that waits, of the urgent and of the others
        self._tokens = float(burst)
        self._at = clock()
        self._cost = 1.0
        self._throttled_at: float | None = None

    def wait(self, *, urgent: bool = False) -> None:
        """Return when one more call fits."""
        with self._turns[urgent]:
            while pause := self._take(urgent=urgent):
                self._sleep(pause)

    def throttled(self) -> None:
        """AWS throttled a call: its bucket is empty, whatever ours says, and somebody else draws from it too."""
        with self._bucket:
            now = self._fill()
            self._tokens = min(self._tokens, 0.0)
            if self._throttled_at is None or now - self._throttled_at >= _ONE_EVENT_SECONDS:
                self._throttled_at = now
                self._cost = min(2 * self._cost, _DEAREST)

    def passed(self) -> None:
        """AWS took a call."""
        with self._bucket:
            self._cost = max(1.0, self._cost * _CHEAPER)

    def _take(self, *, urgent: bool) -> float:
        """Take a call's tokens and return 0, or the seconds until there are enough."""
        with self._bucket:
            self._fill()
            cost, left_to_others = (1.0, 0) if urgent else (self._cost, self._reserve)
            missing = min(cost + left_to_others, self._burst) - self._tokens
            if missing > _ROUNDING:
                return missing / self._per_second
            self._tokens -= cost
            return 0.0

    def _fill(self) -> float:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        return now


@dataclass(frozen=True, slots=True)
class Budget:
    """The calls to ELBv2 that an account has in a region, shared by every service of one session.

    AWS documents 40 calls at once and 10 a second for Describe…, and nothing for Modify…; the AWS Load Balancer
    Controller keeps to 20 and 3 there. A quarter of each burst is left to rollbacks.
    """

    reads: Pace = field(default_factory=lambda: Pace(burst=40, per_second=10, reserve=10))
    writes: Pace = field(default_factory=lambda: Pace(burst=20, per_second=3, reserve=5))
