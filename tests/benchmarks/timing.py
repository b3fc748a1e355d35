"""Wall time of whole processes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path


def beside(program: str) -> Path:
    """The program of that name in the environment this interpreter runs in."""
    return Path(sys.executable).parent / program


def seconds(command: list[str], *, environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> float:
    """How long `command` took, from fork to exit. A command that fails ends the benchmark with its words."""
    began = time.perf_counter()
    run = subprocess.run(command, env=environ, cwd=cwd, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - began
    if run.returncode != 0:
        sys.exit(f"{' '.join(command)} exited {run.returncode}: {run.stderr or run.stdout}")
    return taken
