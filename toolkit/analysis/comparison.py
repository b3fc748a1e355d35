"""One metric of both colors, from the first compared minute to the newest: the evidence, and the numbers behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from toolkit.analysis.dispersion import Dispersion
from toolkit.analysis.lasting import KNOWN_AFTER, lasting
from toolkit.analysis.policy import Policy
from toolkit.analysis.sequential import ORDINARY_SHARE, Evidence, Excess, Safety
from toolkit.analysis.series import Counts


@dataclass(slots=True)
class Totals:
    """Sums over the compared minutes; `above` and `below` are those of the ratio over all splits."""

    new_requests: float = 0
    new: float = 0
    live_requests: float = 0
    live: float = 0
    above: float = 0
    below: float = 0

    def add(self, counts: Counts) -> None:
        both = counts.new_requests + counts.live_requests
        self.new_requests += counts.new_requests
        self.new += counts.new
        self.live_requests += counts.live_requests
        self.live += counts.live
        self.above += counts.new * counts.live_requests / both
        self.below += counts.live * counts.new_requests / both

    @property
    def ratio(self) -> float | None:
        """How many times the live side's rate the new one's is, every minute compared for itself (Mantel-Haenszel).

        None where the live side has nothing bad.
        """
        return self.above / self.below if self.below else None


class Comparison:
    """Takes in minutes; says whether a regression is shown, or the lack of one."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._level = -math.log(policy.share_of_alpha)
        self.evidence = Evidence(policy.ratio)
        self._excess = Excess(policy.excess)
        self.safety = Safety(policy.safe_ratio, policy.safe_excess)
        self.dispersion = Dispersion()
        self.totals = Totals()
        self.minutes: list[Counts] = []
        self.too_small = self.too_short = False

    def see_live(self, minute: int, requests: float, bad: float) -> None:
        """A minute of the live side, compared or not."""
        self.dispersion.add(minute, requests, bad)

    def add(self, counts: Counts, *, new_split: bool) -> None:
        self.minutes.append(counts)
        self.totals.add(counts)
        self.evidence.add(counts, new_split=new_split)
        self.safety.add(counts)

    @property
    def worse(self) -> bool:
        """Whether the new color is shown to be worse by more than the smallest effect that matters, now."""
        evidence = self.evidence
        self.too_small = self.too_short = False
        needed = math.exp(self._level)
        bursty = evidence.bursty * (1 - ORDINARY_SHARE) >= needed
        ordinary = evidence.ordinary * ORDINARY_SHARE >= needed
        if not bursty and not (ordinary and self._believed):
            self.too_short = ordinary and not self.dispersion.bursts
            return False
        self.too_small = self._excess.log_evidence(self.minutes) < self._level
        return not self.too_small

    @property
    def _believed(self) -> bool:
        if self.dispersion.bursts:
            return False
        known = self.dispersion.minutes >= KNOWN_AFTER
        return lasting(self.minutes, self._policy.ratio, self._level, known=known)

    @property
    def safe(self) -> bool:
        """Whether the new color is shown to be no worse than what is called safe."""
        return self.safety.log_evidence(self.dispersion.phi) >= -math.log(self._policy.safe_alpha)

    @property
    def p(self) -> float:
        """The chance, at any time, of evidence at least this strong from a release that is not worse."""
        strongest = (1 - ORDINARY_SHARE) * self.evidence.most_bursty
        if not self.dispersion.bursts:
            strongest = max(strongest, ORDINARY_SHARE * self.evidence.most_ordinary)
        return min(1.0, 1 / max(strongest, 1e-300))
