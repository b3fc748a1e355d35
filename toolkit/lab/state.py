"""What a lab leaves on disk so that others find it, and its processes, even after it has crashed.

<root>/<name>/lab.json           where the lab answers; written when it is ready, removed when it stops
<root>/<name>/processes/<pid>    one file per process, so that writers never share a file
<root>/<name>/lab.log            what the lab says
    <root>/<name>/dataplane/         what the load balancer is told, and what it logs
<root>/<name>/lock               held while somebody starts or stops the lab
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.errors import LabError
from toolkit.lab.attach_options import AnyOptions, options_from
from toolkit.lab.options import LabOptions
from toolkit.lab.processes import Recorded, is_running, recorded


def default_root(environ: Mapping[str, str] = os.environ) -> Path:
    """`BLUEGREEN_LAB_DIR`, or the place the XDG base directory specification gives to state."""
    if environ.get("BLUEGREEN_LAB_DIR"):
        return Path(environ["BLUEGREEN_LAB_DIR"]).absolute()
    state = environ.get("XDG_STATE_HOME")
    home = Path(state) if state and Path(state).is_absolute() else Path.home() / ".local" / "state"
    return home / "bluegreen" / "lab"


@dataclass(frozen=True, slots=True)
class Published:
    """What lab.json says: where a lab answers, how it was started, and which process is its own.

    `door_url` is where the lab itself answers if that is not beside its AWS endpoint: an attached data plane has none.
    """

    endpoint_url: str
    options: AnyOptions
    supervisor: Recorded
    door_url: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "endpoint_url": self.endpoint_url,
            "options": self.options.to_json(),
            "supervisor": self.supervisor.to_json(),
            "door_url": self.door_url,
        }

    @property
    def is_up(self) -> bool:
        return is_running(self.supervisor)


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """One lab's directory. Reading tolerates a directory that is not there; writing makes it."""

    path: Path

    @classmethod
    def of(cls, name: str, root: Path | None = None) -> "StateDirectory":
        LabOptions(name=name)  # refuses names that would leave the root
        return cls((root or default_root()) / name)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def log(self) -> Path:
        return self.path / "lab.log"

    @property
    def dataplane(self) -> Path:
        return self.path / "dataplane"

    def last_words(self) -> str:
        """The last line of the log; empty if there is none."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return lines[-1].strip() if lines else ""

    def create(self) -> None:
        try:
            (self.path / "processes").mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise LabError(
                f"the lab cannot keep its state in {self.path}: {error.strerror}.",
                hint="Set BLUEGREEN_LAB_DIR to a directory that can be written.",
            ) from error

    def publish(self, published: Published) -> None:
        self._write(self.path / "lab.json", published.to_json())

    def retract(self) -> None:
        (self.path / "lab.json").unlink(missing_ok=True)

    def published(self) -> Published | None:
        document = _read(self.path / "lab.json")
        if document is None:
            return None
        return Published(
            endpoint_url=document["endpoint_url"],
            options=options_from(document["options"]),
            supervisor=Recorded(**document["supervisor"]),
            door_url=document.get("door_url"),
        )

    def record(self, pid: int, what: str) -> Recorded | None:
        """Write down a running process, so that `lab down` can find it; None if it is gone already."""
        process = recorded(pid, what)
        if process is not None:
            self._write(self.path / "processes" / str(pid), process.to_json())
        return process

    def forget(self, pid: int) -> None:
        (self.path / "processes" / str(pid)).unlink(missing_ok=True)

    def processes(self) -> list[Recorded]:
        """Every recorded process, whether it still runs or not."""
        files = sorted((self.path / "processes").glob("[0-9]*"))
        return [Recorded(**document) for document in map(_read, files) if document is not None]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process at a time starts or stops this lab."""
        self.create()
        with (self.path / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _write(self, path: Path, document: Mapping[str, Any]) -> None:
        """Whole or not at all: a reader never sees half a file."""
        with tempfile.NamedTemporaryFile("w", dir=self.path, prefix=".new-", delete=False) as file:
            json.dump(document, file)
        Path(file.name).replace(path)


def all_labs(root: Path | None = None) -> list[StateDirectory]:
    """Every lab that has left state here, running or not."""
    return [StateDirectory(path) for path in sorted((root or default_root()).glob("*")) if path.is_dir()]


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise LabError(f"{path} is damaged.", hint="Delete it; check for leftovers with `ps`.") from error
    if not isinstance(document, dict):
        raise LabError(f"{path} is damaged.", hint="Delete it; check for leftovers with `ps`.")
    return document
