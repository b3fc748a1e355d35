#!/usr/bin/env python3
"""Check the form of all Terraform here, and that every module and example is valid.

Run by `make lint`. Nothing is written beside the configurations: they are checked in a throwaway copy, for
`init` leaves a lock file where it runs. Terraform or OpenTofu does it, as toolkit/infra/program.py chooses. Exits 1
if something is wrong, 40 without either, and 43 where no provider can be had.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import BluegreenError, TerraformMissing
from toolkit.infra.mirror import child_environment, find_mirror
from toolkit.infra.program import Program, chosen

ROOT = Path(__file__).resolve().parent
_WORKERS = 2
_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Problem:
    """What terraform said, and of which part."""

    where: str
    output: str


def main() -> int:
    begun = time.monotonic()
    try:
        problems, count = check(ROOT, os.environ)
    except BluegreenError as error:
        print(f"terraform/check.py: {error.message} {error.hint}".rstrip(), file=sys.stderr)
        return error.exit_code
    for problem in problems:
        print(f"terraform/{problem.where}:\n{problem.output}\n", file=sys.stderr)
    took = f"{time.monotonic() - begun:.1f} s"
    if problems:
        print(f"terraform: {len(problems)} of {count + 1} checks failed ({took})", file=sys.stderr)
        return 1
    print(f"terraform: formatted, and {count} modules and examples are valid ({took})")
    return 0


def check(root: Path, environ: Mapping[str, str]) -> tuple[list[Problem], int]:
    """What is wrong under `root`, and how many configurations were looked at.

    Raises:
        TerraformMissing: there is neither terraform nor tofu.
        ProviderUnavailable: BLUEGREEN_TF_MIRROR names nothing usable.
    """
    program = chosen(environ)
    child = child_environment(environ)
    mirror = find_mirror(environ, program=program)
    with tempfile.TemporaryDirectory(prefix="bluegreen-check-") as scratch:
        copy = Path(scratch, "terraform")
        shutil.copytree(root, copy, symlinks=True, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        if mirror is None:
            # One download for all. The cache does not bear two at once ("Provider Plugin Cache", CLI configuration).
            cache = Path(scratch, "cache")
            cache.mkdir()
            child |= {
                "TF_PLUGIN_CACHE_DIR": environ.get("TF_PLUGIN_CACHE_DIR") or str(cache),
                "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1",
            }
        configurations = list(configurations_below(copy))
        with ThreadPoolExecutor(max_workers=1 if mirror is None else _WORKERS) as pool:
            form = pool.submit(_form, program, root, child)
            found = pool.map(lambda path: _validity(program, path, copy, mirror, child), configurations)
            problems = [problem for problem in (form.result(), *found) if problem is not None]
    return problems, len(configurations)


def configurations_below(root: Path) -> Iterable[Path]:
    """Every module and every example, in order."""
    for room in ("modules", "examples"):
        yield from sorted(path for path in (root / room).iterdir() if any(path.glob("*.tf")))


def _form(program: Program, root: Path, environ: Mapping[str, str]) -> Problem | None:
    result = _run(program, root, environ, "fmt", "-check", "-diff", "-recursive")
    return None if result.returncode == 0 else Problem("", f"{result.stdout}Put it in form with `make format`.")


def _validity(
    program: Program, path: Path, root: Path, mirror: Path | None, environ: Mapping[str, str]
) -> Problem | None:
    where = str(path.relative_to(root))
    own = {**environ, "TF_DATA_DIR": str(root.parent / "data" / where)}
    plugins = [] if mirror is None else [f"-plugin-dir={mirror}"]
    for arguments in (["init", "-backend=false", "-input=false", *plugins], ["validate"]):
        result = _run(program, path, own, *arguments)
        if result.returncode != 0:
            return Problem(where, f"{program.name} {arguments[0]} failed\n{result.stdout}")
    return None


def _run(program: Program, path: Path, environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [program.command, *arguments, "-no-color"],
            cwd=path,
            env=dict(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except OSError as error:
        raise TerraformMissing(f"{program.name} cannot be run: {error}.", hint=program.get_it) from error


if __name__ == "__main__":
    sys.exit(main())
