"""`python -m toolkit.lab.app`: run the sample app in the foreground."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields

import uvloop

from toolkit.lab.app.faults import Faults
from toolkit.lab.app.server import serve
from toolkit.lab.app.site import DEFAULT_PORT, Site

READY = "ready"
"""The line on stdout that says that every site is listening."""


def arguments(argv: Sequence[str]) -> tuple[list[Site], Faults]:
    parser = argparse.ArgumentParser(prog="python -m toolkit.lab.app", description=__doc__)
    parser.add_argument("--address", default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--color", default="blue")
    parser.add_argument("--version", default="v1")
    parser.add_argument(
        "--site", action="append", type=Site.parse, metavar="ADDRESS:PORT:COLOR:VERSION",
        help="serve several from one process; repeat it, in place of the four options above",
    )  # fmt: skip
    parser.add_argument("--latency-ms", type=float, default=0.0, help="wait before each answer")
    parser.add_argument("--error-rate", type=float, default=0.0, help="share of requests answered 500")
    parser.add_argument("--slow-rate", type=float, default=0.0, help="share of requests that wait --slow-ms more")
    parser.add_argument("--slow-ms", type=float, default=1000.0, help="how long those wait")
    parser.add_argument("--hang-rate", type=float, default=0.0, help="share of requests never answered")
    parser.add_argument("--reset-rate", type=float, default=0.0, help="share of requests reset, not answered")
    parser.add_argument("--hang", action="store_true", help="never answer")
    parser.add_argument("--reset", action="store_true", help="reset connections instead of answering")
    parser.add_argument("--unhealthy", action="store_true", help="refuse health checks")
    chosen = parser.parse_args(argv)
    sites = chosen.site or [Site(chosen.address, chosen.port, chosen.color, chosen.version)]
    try:
        faults = Faults(**{field.name: getattr(chosen, field.name) for field in fields(Faults)})
    except ValueError as error:
        parser.error(str(error))
    return sites, faults


def main() -> None:
    sites, faults = arguments(sys.argv[1:])
    try:
        uvloop.run(serve(sites, faults, lambda: print(READY, flush=True)))
    except OSError as error:
        sys.exit(f"the sample app cannot listen: {error}")


if __name__ == "__main__":
    main()
