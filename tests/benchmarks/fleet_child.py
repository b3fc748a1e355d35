"""What `tests.benchmarks.fleet` times: a process that takes back every service whose contract is in a directory.

    python -m tests.benchmarks.fleet_child DIRECTORY

Prints one JSON object: back, and failed (service -> why).
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from toolkit import wiring
from toolkit.contract import parse
from toolkit.errors import BluegreenError
from toolkit.runner.fleet import roll_back
from toolkit.runner.service import Service
from toolkit.settings import AwsSettings, ServiceSettings


def main() -> None:
    directory = Path(sys.argv[1])
    services = _wired(sorted(directory.glob("*.json")))
    ends = roll_back(services)
    failed = {service.name: end.message for service, end in ends if isinstance(end, BluegreenError)}
    print(json.dumps({"back": len(ends) - len(failed), "failed": failed}))


def _wired(paths: list[Path]) -> list[Service]:
    """As wiring makes them, of one session."""
    session = wiring.session_for(AwsSettings())
    settings = ServiceSettings()
    made: list[Service] = []
    for path in paths:
        contract = parse(path.read_text(encoding="utf-8"), source=str(path))
        service = wiring._assemble(contract, settings, session, _say, path)
        if not made:
            service.identities.resolve()
        first = made[0] if made else service
        made.append(
            replace(service, router=first.router, targets=first.targets, identities=first.identities, store=first.store)
        )
    return made


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
