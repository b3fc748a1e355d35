"""`python -m tests.localstack`: what the tests on LocalStack need first, or in one line why they cannot run."""

from __future__ import annotations

import sys
import time

from localstack.environment import prepare, say
from toolkit.errors import BluegreenError


def main() -> int:
    """Fill LocalStack's environment, unless it is; the exit code."""
    began = time.monotonic()
    try:
        if prepare():
            say(f"LocalStack's environment was filled in {time.monotonic() - began:.0f} s")
    except BluegreenError as error:
        say(f"bluegreen: {error.message} {error.hint}")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
