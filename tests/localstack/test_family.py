"""The watch over what a test run starts sees daemons too, and knows loopback when it sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.e2e.release import until
from tests.localstack.family import Family, Opening

DAEMON = """
import os, socket, sys, time
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
listening = socket.create_server(("127.0.0.1", 0))
print(os.getpid(), listening.getsockname()[1], flush=True)
os.close(1)
time.sleep(60)
"""


def test_a_daemon_that_has_lost_its_parent_is_seen_with_its_address_and_its_end() -> None:
    with Family() as family:
        said = subprocess.run([sys.executable, "-c", DAEMON], stdout=subprocess.PIPE, text=True, check=True).stdout
        pid, port = (int(word) for word in said.split())
        try:
            assert pid in {member.pid for member in family.running()}
            assert ("127.0.0.1", port) in {(each.address, each.port) for each in family.openings()}
        finally:
            os.kill(pid, signal.SIGKILL)
        until(lambda: pid not in {member.pid for member in family.running()})
        assert ("127.0.0.1", port) in {(each.address, each.port) for each in family.openings()}, "it is remembered"


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.2.11", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("::ffff:0.0.0.0", False),
        ("10.0.0.1", False),
    ],
)
def test_only_loopback_addresses_are_loopback(address: str, *, loopback: bool) -> None:
    assert Opening("server", address, 80).is_loopback is loopback
