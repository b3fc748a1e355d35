"""The second act: a release that errors goes out as a canary, is detected by its traffic and taken back by itself."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from toolkit.lab.demo.first_act import require_alone
from toolkit.lab.demo.scene import BAD_VERSION
from toolkit.lab.demo.stage import Stage
from toolkit.lab.load import LoadProcess
from toolkit.lab.report import BadRelease

ERROR_RATE: Final = 0.1
METRICS_DELAY: Final = 2.0  # seconds: CloudWatch's minutes are real ones, but the lab need not show them late
METRICS_REVISION: Final = 3.0
SETTINGS: Final = """
[service.{service}]
poll_seconds = 0.5

[service.{service}.analysis]
settle_seconds = 10    # the lab's metrics are late by 5 s here
warmup_minutes = 0
inconclusive = "pause"
"""
_CANARY = ("--steps", "5,25,100", "--bake", "5m")
_ROLLED_BACK = 32
_ENTRIES = 50  # of the journal, from the start of the rollout to its end


@dataclass(frozen=True, slots=True)
class SecondAct:
    """One canary under `load`, with the analysis on. The bad release is on green already, which is idle."""

    stage: Stage
    load: LoadProcess

    def play(self) -> BadRelease:
        """Roll it out, and see what becomes of it; everything is on blue again at the end if it was taken back.

        Raises:
            DemoFailed: green went on answering after it was.
        """
        stage, words = self.stage, ("canary", self.stage.service, *_CANARY)
        (stage.directory / "bluegreen.toml").write_text(SETTINGS.format(service=stage.service))
        require_alone("blue", stage, self.load)
        stage.narrate(
            f"bluegreen {' '.join(words)}   ({BAD_VERSION} answers {ERROR_RATE:.0%} of its requests with 500; "
            "it takes CloudWatch two whole minutes to show that it lasts)"
        )
        code = stage.commands.exit_code(*words)
        rolled_back = code == _ROLLED_BACK
        if rolled_back:
            require_alone("blue", stage, self.load)
        history = stage.run("history", stage.service, "--limit", str(_ENTRIES), "--output", "json")
        detected_after_s, reason = detected(json.loads(history)["entries"])
        return BadRelease(
            color="green",
            command=f"bluegreen {' '.join(words)}",
            exit_code=code,
            rolled_back=rolled_back,
            detected_after_s=detected_after_s,
            reason=reason,
        )


def detected(entries: Sequence[Mapping[str, Any]]) -> tuple[float | None, str]:
    """Seconds from the first shift of the newest rollout until a gate failed, and why it did; None where none did."""
    starts = [index for index, entry in enumerate(entries) if entry["event"] == "RolloutStarted"]
    newest = entries[starts[-1] :] if starts else ()
    shifted = next((entry for entry in newest if entry["event"] == "ShiftVerified"), None)
    failed = next((entry for entry in newest if entry["event"] == "GateFailed"), None)
    if shifted is None or failed is None:
        return None, ""
    took = datetime.fromisoformat(failed["at"]) - datetime.fromisoformat(shifted["at"])
    return round(took.total_seconds(), 1), str(failed["reason"])
