"""Watching for requests that reach a color past the split: which stand now, and in which minutes any stood."""

from __future__ import annotations

from datetime import datetime

from toolkit.analysis.series import MINUTE
from toolkit.analysis.verdict import Outcome, Verdict
from toolkit.rollout.bypass import Rule, colors_of, known_test_route, past_the_split
from toolkit.runner.service import Service

_MOST_NAMED = 3


class BypassWatch:
    """Asks for the rules once a look. Between two looks that saw none there was none; else there may have been.

    stands: whether the last look that succeeded saw one. A look that fails changes nothing of what is known.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._clean: float | None = None
        self._since: float | None = None
        self._over: list[tuple[float, float]] = []
        self._told: set[str] = set()

    @property
    def stands(self) -> bool:
        return self._since is not None

    def look(self, now: datetime) -> Verdict | None:
        """Inconclusive where something stands; None where nothing does.

        Raises:
            AwsError: and its children.
        """
        contract, at = self._service.contract, now.timestamp()
        found = past_the_split(contract, self._service.rules.on(contract.load_balancer))
        strangers = [rule for rule in found if not self._is_tolerated(rule)]
        if strangers:
            if self._since is None:
                self._since = float("-inf") if self._clean is None else self._clean
            return Verdict(Outcome.INCONCLUSIVE, self._in_words(strangers))
        if self._since is not None:
            self._over.append((self._since, at))
        self._since, self._clean = None, at
        return None

    def touches(self, minute: int) -> bool:
        """Whether requests of that minute may have come past the split."""
        begin, end = minute * MINUTE, (minute + 1) * MINUTE
        stands = self._since is not None and self._since < end
        return stands or any(since < end and begin < until for since, until in self._over)

    def _is_tolerated(self, rule: Rule) -> bool:
        """A test route stands all the time, and few requests take it; whoever reads a verdict is told once."""
        route = known_test_route(self._service.contract, rule)
        if route is None:
            return False
        if route.name not in self._told:
            self._told.add(route.name)
            self._service.note(
                f"{self._service.name}: requests by test route {route.name} count among {route.color}'s; "
                "keep them few while a canary is analyzed"
            )
        return True

    def _in_words(self, strangers: list[Rule]) -> str:
        contract = self._service.contract
        what = "flows" if contract.is_network else "requests"
        told = [f"{rule} sends {what} to {' and '.join(colors_of(contract, rule))}" for rule in strangers]
        more = len(told) - _MOST_NAMED
        named = "; ".join([*told[:_MOST_NAMED], *([f"so do {more} more"] if more > 0 else [])])
        it = "it" if len(strangers) == 1 else "them"
        return (
            f"{named}, past the split, so blue and green are not under the same load; remove {it} until the rollout "
            f"is over, or make {it} part of the contract"
        )
