"""How long `bluegreen --help` takes beside a bare `import typer`: whole processes, interleaved, medians.

    python -m tests.benchmarks.startup [--runs 21]

Prints one JSON object: help_s, import_typer_s, ratio.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys

from tests.benchmarks.timing import beside, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=21)
    runs = parser.parse_args().runs
    commands = {"help": [str(beside("bluegreen")), "--help"], "typer": [sys.executable, "-c", "import typer"]}
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for name, command in commands.items():
        seconds(command)  # byte code and page cache, for both alike
        taken[name].clear()
    for _ in range(runs):
        for name, command in commands.items():
            taken[name].append(seconds(command))
    ours, theirs = statistics.median(taken["help"]), statistics.median(taken["typer"])
    print(json.dumps({"help_s": round(ours, 4), "import_typer_s": round(theirs, 4), "ratio": round(ours / theirs, 3)}))


if __name__ == "__main__":
    main()
