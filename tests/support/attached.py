"""One process of the AWS provider for many Terraform commands.

Each command checks the sum of the provider's 700 MB, starts it and reads its schema anew: two to three seconds of CPU,
which is most of what a plan takes. Terraform leaves all three out for a provider that already runs.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from toolkit.infra.mirror import child_environment

_SPOKEN = re.compile(r"TF_REATTACH_PROVIDERS='(.+)'")
_PR_SET_PDEATHSIG = 1


@contextmanager
def attached(initialized: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The provider that `init` installed in the directory, running in `environ`; what makes Terraform turn to it.

    It calls AWS where `environ` says, whatever the environment of the commands. OpenTofu looks for another name, and
    starts its own.
    """
    installed = initialized / ".terraform" / "providers"
    (program,) = (
        Path(folder, name)
        for folder, _, names in os.walk(installed, followlinks=True)
        for name in names
        if name.startswith("terraform-provider-aws")
    )
    with subprocess.Popen(
        [program, "-debug"],
        env=child_environment(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=_end_with_the_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one system call
    ) as process:
        assert process.stdout is not None
        try:
            told = next((found[1] for line in process.stdout if (found := _SPOKEN.search(line))), None)
            assert told, f"{program} -debug ended with {process.wait()} and named no address"
            yield {"TF_REATTACH_PROVIDERS": told}
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _end_with_the_parent() -> None:
    """A worker that is killed leaves no provider behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
