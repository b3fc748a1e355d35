"""The demo on LocalStack: traffic through a data plane attached to it, which has run beside the other tests."""

from __future__ import annotations

import json

import pytest

from tests.localstack.conftest import Demo

pytestmark = [pytest.mark.localstack, pytest.mark.terraform]

SECONDS = 400.0  # that it may still take


def test_the_demo_loses_no_request_forth_and_back(demo: Demo, figures: list[str]) -> None:
    code = demo.process.wait(timeout=SECONDS)
    assert code == 0, demo.err.read_text()
    told = json.loads(demo.out.read_text())
    figures.append(
        f"demo: {told['requests']:,} requests, {told['failed']} failed; {told['seconds']:.0f} s, in parallel"
    )
    assert told["failed"] == 0
    assert told["requests"] == sum(told["colors"].values())
    assert min(told["colors"][color] for color in ("blue", "green")) > 0
    assert told["plan_empty"] is True
    assert (told["bad_requests"], told["rolled_back"]) == (None, None)  # CloudWatch there counts no traffic
    assert "no second act" in demo.err.read_text()
    assert told["ok"] is True
