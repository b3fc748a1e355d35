"""`make test-localstack`: fills LocalStack's environment where need be, then runs what is marked `localstack`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from localstack.environment import prepare, say
from toolkit.errors import BluegreenError


def main() -> int:
    """The exit code: pytest's, or the one of what stood in the way, which is said in one line."""
    began = time.monotonic()
    try:
        if prepare():
            say(f"LocalStack's environment was filled in {time.monotonic() - began:.0f} s")
    except BluegreenError as error:
        say(f"bluegreen: {error.message} {error.hint}")
        return error.exit_code
    code = pytest.main(["-m", "localstack", str(Path(__file__).parent)])
    say(f"all of it took {time.monotonic() - began:.0f} s")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
