"""Where this machine keeps what is no part of AWS: caches, the local journal, the log of heads."""

from __future__ import annotations

import os
from pathlib import Path


def cache_home() -> Path:
    return _xdg("XDG_CACHE_HOME", ".cache")


def state_home() -> Path:
    return _xdg("XDG_STATE_HOME", ".local/state")


def _xdg(variable: str, default: str) -> Path:
    """A directory of ours by the XDG base directory specification."""
    named = os.environ.get(variable, "")
    return (Path(named) if named.startswith("/") else Path.home() / default) / "bluegreen"
