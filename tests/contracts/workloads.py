"""What the contract suite of Workload asks of whoever makes one for it, and the fake that keeps the contract too."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.provision import CREDENTIALS, REGION
from tests.support.workload import FakeWorkload
from tests.support.world import World
from toolkit.aws.session import Session
from toolkit.rollout.workload import Capacity, Change, Workload
from toolkit.settings import AwsSettings
from toolkit.traffic import Color

if TYPE_CHECKING:
    import pytest

NAMES = {Color.BLUE: "web-blue", Color.GREEN: "web-green"}
GONE = {color: f"{name}-gone" for color, name in NAMES.items()}
COUNTS = {Color.BLUE: 1, Color.GREEN: 0}
MAXIMUM = 3
"""Of each color; the minimum of each is 0 and nothing is suspended."""


@dataclass
class Case:
    """Each color is asked for COUNTS, and runs the release that it was made with.

    gone: a workload that is not there. change: gives another release, whose image is `image`. alien: is for another
    kind of workload. missing: names a revision that is not there. rolls: what runs there is replaced in place by AWS.
    """

    workload: Workload
    gone: Workload
    change: Change
    image: str
    alien: Change
    missing: Change
    rolls: bool = True


def fake(_request: pytest.FixtureRequest) -> Case:
    return Case(
        workload=FakeWorkload({color: Capacity(count, count, 0, MAXIMUM) for color, count in COUNTS.items()}),
        gone=FakeWorkload({}),
        change=Change(image="web:2.0"),
        image="web:2.0",
        alien=Change(ami="ami-12c6146b"),
        missing=Change(task_definition="web:99"),
    )


def session_in(request: pytest.FixtureRequest) -> Session:
    """A session of the emptied lab."""
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    request.getfixturevalue("pair")  # which empties it
    world: World = request.getfixturevalue("world")
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    return Session(AwsSettings(region=REGION, endpoint_url=world.lab.endpoint_url))


def eventually(look: Callable[[], Any], wanted: Any, seconds: float = 20.0) -> None:
    """What runs follows what is asked for after a while."""
    end = time.monotonic() + seconds
    while (found := look()) != wanted:
        assert time.monotonic() < end, f"{found} never became {wanted}"
        time.sleep(0.1)
