"""The first act: all traffic to green and back to blue, without a failed request."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from toolkit.errors import DemoFailed
from toolkit.lab.demo.stage import Stage
from toolkit.lab.load import LoadProcess
from toolkit.lab.report import Release

BAKE_SECONDS: Final = 5
SETTLE_SECONDS: Final = 3.0  # of traffic before, between and after the releases
OWN_LAG_SECONDS: Final = 0.5  # requests under way when a command returns; traffic follows a write before it is answered
ATTACHED_LAG_SECONDS: Final = 3.0  # an attached data plane sees a write when it reads next, and reading takes a while


@dataclass(frozen=True, slots=True)
class FirstAct:
    """Two releases under `load`."""

    stage: Stage
    load: LoadProcess

    def play(self) -> list[Release]:
        """To green and back, with traffic before, between and after."""
        require_alone("blue", self.stage, self.load)
        forth = self._release("green", "cutover", self.stage.service, "--bake", str(BAKE_SECONDS))
        require_alone("green", self.stage, self.load)
        back = self._release("blue", "rollback", self.stage.service)
        require_alone("blue", self.stage, self.load)
        return [forth, back]

    def _release(self, to: str, *command: str) -> Release:
        before = self.load.count()
        self.stage.narrate(
            f"bluegreen {' '.join(command)}   ({before['requests']} requests so far, {before['failed']} failed)"
        )
        began = time.monotonic()
        self.stage.run(*command)
        ended = time.monotonic()
        self.stage.narrate(f"back from it after {ended - began:.1f} s")
        return Release(to=to, command=f"bluegreen {' '.join(command)}", began=began, ended=ended)


def require_alone(color: str, stage: Stage, load: LoadProcess) -> None:
    """Let traffic pass; DemoFailed if another color answers once the load balancer must have followed the write."""
    lag = ATTACHED_LAG_SECONDS if stage.is_attached else OWN_LAG_SECONDS
    time.sleep(lag)
    before = others(load.count(), color)
    time.sleep(SETTLE_SECONDS)
    stale = others(load.count(), color) - before
    if stale:
        raise DemoFailed(
            f"{stale} requests were answered by another color, {lag:g} s and more after {color} got all weight.",
            hint=f"See {stage.lab.state.log}.",
        )


def others(count: Mapping[str, Any], color: str) -> int:
    """How many answers came from any other color so far."""
    return sum(answers for name, answers in count["colors"].items() if name != color)
