"""Hooks: commands on this machine, and webhooks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from toolkit.gates.commands import run_command
from toolkit.gates.output import secrets_of
from toolkit.gates.waiting import Beat, Stopped, Try, tried
from toolkit.gates.webhooks import WEBHOOK_SECRET, post
from toolkit.rollout.ports import Clock, Pulse, Result
from toolkit.rollout.steps import Hook
from toolkit.settings import CLIENT_SECRET

_OURS = (CLIENT_SECRET, WEBHOOK_SECRET)
"""Secrets that are given to bluegreen alone."""


class OutsideHooks:
    """Runs what a hook names, tries included.

    directory: where commands start. environ: what they inherit, and where WEBHOOK_SECRET stands; default: our own.
    """

    def __init__(self, *, directory: Path, clock: Clock, environ: Mapping[str, str] | None = None) -> None:
        self._directory = directory
        self._clock = clock
        self._environ = environ

    def run(self, hook: Hook, environment: Mapping[str, str], *, pulse: Pulse) -> Result:
        """Every try of it. `environment` goes to a command as it is, to a webhook as JSON (docs/hooks.md).

        Raises nothing for what the hook does; what `pulse` raises passes, once the hook is ended.
        """
        beat = Beat(pulse)
        inherited = dict(os.environ if self._environ is None else self._environ)
        secrets = secrets_of(inherited)
        signing = inherited.get(WEBHOOK_SECRET)
        given = {name: value for name, value in inherited.items() if name not in _OURS}

        def attempt(number: int) -> Try:
            told = {**environment, "BLUEGREEN_HOOK": hook.name, "BLUEGREEN_TRY": str(number)}
            if hook.url:
                return post(hook, told, secret=signing, now=self._clock.now(), beat=beat, secrets=secrets)
            return run_command(hook, directory=self._directory, environ={**given, **told}, beat=beat, secrets=secrets)

        try:
            return tried(attempt, retries=hook.retries, clock=self._clock, beat=beat)
        except Stopped:
            return Result(False, "stopped")
