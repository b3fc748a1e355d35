"""Where all of it listened, and what is left when LocalStack and what stood beside it are stopped."""

from __future__ import annotations

import pytest

from tests.e2e.release import until
from tests.localstack.conftest import Running
from tests.localstack.family import Family

pytestmark = pytest.mark.localstack


def test_nothing_ever_listened_off_loopback(localstack: Running, family: Family) -> None:
    openings = family.openings()
    ports = {each.port for each in openings}
    assert int(localstack.endpoint_url.rpartition(":")[2]) in ports
    assert {each for each in openings if not each.is_loopback} == set()


def test_nothing_is_left_running(localstack: Running, family: Family) -> None:
    assert family.running(), "it runs until it is stopped"
    localstack.stop()
    until(lambda: family.running() == [], seconds=10)
