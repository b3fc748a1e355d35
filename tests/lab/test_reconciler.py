"""A failed reconciliation is remembered and does not fail the API call."""

import logging

import pytest

from toolkit.lab.reconciler import Failure, Reconciler


def test_a_failure_is_kept_and_logged_until_that_region_succeeds(caplog: pytest.LogCaptureFixture) -> None:
    broken = {"eu-central-1"}

    def reconcile(region: str) -> None:
        if region in broken:
            raise RuntimeError("Envoy refused it")

    reconciler = Reconciler(reconcile, clock=lambda: 100.0)
    with caplog.at_level(logging.ERROR):
        reconciler("eu-central-1")
    assert reconciler.failures == (Failure("eu-central-1", 100.0, "RuntimeError: Envoy refused it"),)
    assert "eu-central-1" in caplog.text
    reconciler("us-east-1")
    assert len(reconciler.failures) == 1
    broken.clear()
    reconciler("eu-central-1")
    assert not reconciler.failures
    assert reconciler.runs == 3
