# ruff: noqa: INP001 - a program of the clone, no part of the package
"""The environment that LocalStack runs in, `.venv-localstack`: the Python it is made with, and what is installed."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from toolkit.errors import LabError

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "localstack" / "requirements.lock"
PLUGIN = ROOT / "localstack" / "plugin"
ENVIRONMENT = ROOT / ".venv-localstack"
PYTHON = (3, 13)
_ASK = "import ensurepip, json, sys, venv; print(json.dumps([sys.executable, *sys.version_info[:2]]))"


def say(words: str) -> None:
    """Tell the operator; stdout is for what a shell evaluates."""
    print(words, file=sys.stderr)


def candidates(environ: Mapping[str, str]) -> Iterator[list[str]]:
    """Commands that may start a Python 3.13, likeliest first: on the PATH, of pyenv, of uv."""
    for directory in filter(None, environ.get("PATH", "").split(os.pathsep)):
        for name in ("python3.13", "python3", "python"):
            if os.access(path := Path(directory, name), os.X_OK) and path.is_file():
                yield [str(path)]
    pyenv = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/"), ".pyenv"))
    yield from ([str(path)] for path in sorted(pyenv.glob("versions/3.13*/bin/python"), reverse=True))
    for uv in (shutil.which("uv", path=environ.get("PATH", "")), str(Path(sys.executable).with_name("uv"))):
        if uv is not None and os.access(uv, os.X_OK):
            yield [
                uv,
                "run",
                "--no-project",
                "--no-python-downloads",
                "--python-preference=only-managed",
                "--python=3.13",
                "python",
            ]


def find_python(environ: Mapping[str, str]) -> str:
    """The path of a Python 3.13 that can make environments.

    Raises:
        LabError: there is none.
    """
    seen = set()
    for command in candidates(environ):
        if tuple(command) in seen:
            continue
        seen.add(tuple(command))
        # pyenv's shims are there for every version, and fail for those that are not chosen.
        with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
            asked = subprocess.run([*command, "-c", _ASK], capture_output=True, timeout=30, check=True, env=environ)
            path, *version = json.loads(asked.stdout)
            if tuple(version) == PYTHON:
                return str(path)
    raise LabError(
        "LocalStack needs Python 3.13, and there is none on the PATH, with pyenv or with uv.",
        hint="Install it: uv python install 3.13, or pyenv install 3.13.",
    )


@dataclass(frozen=True, slots=True)
class Installed:
    """What an environment was made of: digests of the lock, and of the sources that were installed from this clone."""

    lock: str
    sources: str

    @classmethod
    def wanted(cls) -> "Installed":
        own = (path for path in PLUGIN.rglob("*") if path.suffix in {".py", ".toml", ".md"})
        shared = (ROOT / "toolkit" / "lab" / "fidelity").glob("*.py")
        return cls(_digest([LOCK]), _digest([*own, *shared, ROOT / "pyproject.toml"]))

    @classmethod
    def found(cls, environment: Path) -> "Installed | None":
        """None where nothing, or not all, is installed, or its Python is gone."""
        if not (environment / "bin" / "python").exists():
            return None
        try:
            return cls(**json.loads((environment / ".installed").read_text()))
        except (OSError, ValueError, TypeError):
            return None


def _digest(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(f"{path.name}\0".encode() + path.read_bytes())
    return total.hexdigest()


def prepare(environment: Path = ENVIRONMENT) -> bool:
    """Make the environment, or bring it up to date; whether anything was done."""
    with Path(__file__).open() as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        wanted, found = Installed.wanted(), Installed.found(environment)
        if found == wanted:
            return False
        if found is None or found.lock != wanted.lock:
            python = find_python(os.environ)
            say(f"installing LocalStack for {python} into {environment.name}: about half a minute")
            shutil.rmtree(environment, ignore_errors=True)
            _run([python, "-m", "venv", "--without-pip", str(environment)])
            install(environment, "--require-hashes", "-r", str(LOCK))
        (environment / ".installed").unlink(missing_ok=True)
        # --no-deps: of bluegreen only toolkit.lab.fidelity is imported there, which needs moto alone.
        install(environment, "--force-reinstall", "--no-deps", "--no-build-isolation", str(ROOT), str(PLUGIN))
        (environment / ".installed").write_text(json.dumps(asdict(wanted)))
        return True


def install(environment: Path, *words: str) -> None:
    """Install with uv, which is here for the lock files and takes a sixth of pip's time, else with pip.

    Both check the hashes. pip is there for those whose index only pip has been told of.
    """
    python = environment / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    if uv.exists():
        try:
            _run([str(uv), "pip", "install", "--quiet", "--python", str(python), *words])
        except LabError as error:
            say(f"{error.message} Now with pip.")
        else:
            return
    _run([str(python), "-m", "ensurepip"])
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words])


def _run(command: Sequence[str]) -> None:
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as error:
        how = f"exit code {error.returncode}" if isinstance(error, subprocess.CalledProcessError) else error.strerror
        raise LabError(
            f"LocalStack's environment could not be made: {' '.join(command[:3])} … ended with {how}.",
            hint="Its own words stand above.",
        ) from error
