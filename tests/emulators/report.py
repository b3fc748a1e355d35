"""`python -m tests.emulators.report` (`make matrix`): runs the columns side by side and writes docs/emulators.md.

Exits 1 where something failed that was to pass, or passed that was to fail.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from tests.emulators.columns import COLUMNS, Column, run
from tests.emulators.emulators import LICENSED, ROOT, Emulator, is_licensed
from tests.emulators.page import page

RESULTS: Final = Path(__file__).with_name("results.json")
PAGE: Final = ROOT / "docs" / "emulators.md"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make matrix", description="What passes on which emulator.")
    parser.add_argument("--endpoint", default="", help="run one column, on what answers there")
    names = [emulator.name for emulator in COLUMNS]
    parser.add_argument("--only", nargs="*", default=[], choices=names, help="run these columns; keep the others")
    parser.add_argument("--page", action="store_true", help="write the page from the last results; run nothing")
    options = parser.parse_args(arguments)
    if options.page:
        _write(stored())
        return 0
    scratch = Path(tempfile.mkdtemp(prefix="bluegreen-matrix-"))
    if options.endpoint:
        column = _at_endpoint(options.endpoint.rstrip("/"), scratch)
        done = {LICENSED.name: column}
        if column.title != LICENSED.title:
            _say("no LocalStack with an activated license: the page stays as it is")
            print(page([column]))
            return _told(done, scratch)
    else:
        done = _side_by_side([each for each in COLUMNS if each.name in (options.only or names)], scratch)
    _write(merged(stored(), done))
    return _told(done, scratch)


def stored() -> dict[str, Column]:
    """How each column did when it was run last."""
    if not RESULTS.exists():
        return {}
    return {name: Column.of(document) for name, document in json.loads(RESULTS.read_text()).items()}


def merged(known: Mapping[str, Column], done: Mapping[str, Column]) -> dict[str, Column]:
    """What is known after a run: a column that could not be run keeps what it did when it could."""
    fresh = {name: column for name, column in done.items() if not column.not_run or name not in known}
    return {**known, **fresh}


def _write(known: Mapping[str, Column]) -> None:
    RESULTS.write_text(json.dumps({name: asdict(column) for name, column in known.items()}, indent=1) + "\n")
    PAGE.write_text(page([known[emulator.name] for emulator in COLUMNS if emulator.name in known]))


def _side_by_side(emulators: Sequence[Emulator], scratch: Path) -> dict[str, Column]:
    def one(emulator: Emulator) -> Column:
        (scratch / emulator.name).mkdir()
        column = run(emulator, scratch / emulator.name)
        _say(f"{emulator.title}: {column.not_run or f'{len(column.checks)} checks in {column.seconds} s'}")
        return column

    with ThreadPoolExecutor(max_workers=len(emulators)) as pool:
        return dict(zip((each.name for each in emulators), pool.map(one, emulators), strict=True))


def _at_endpoint(endpoint_url: str, scratch: Path) -> Column:
    """One column, on somebody's endpoint."""
    column = run(LICENSED, scratch, endpoint_url=endpoint_url)
    if is_licensed(endpoint_url):
        return column
    return replace(column, title=endpoint_url)


def _told(done: Mapping[str, Column], scratch: Path) -> int:
    for name, column in done.items():
        for check, said in column.failures.items():
            _say(f"{name}: {check}: {said}")
        for fault in column.faults:
            _say(f"{name}: {fault}")
    if all(column.is_as_expected for column in done.values()):
        shutil.rmtree(scratch)
        return 0
    _say(f"not as expected; the logs are in {scratch}")
    return 1


def _say(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
