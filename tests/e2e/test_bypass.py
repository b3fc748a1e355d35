"""A preview rule that somebody made by hand beside the route: `bluegreen analyze` names it instead of comparing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.command import Commands
from tests.support.provision import Provisioned

pytestmark = [pytest.mark.e2e, pytest.mark.lab]


def test_analyze_names_the_rule_that_sends_requests_past_the_split(
    pair: Callable[..., Provisioned], environ: dict[str, str], tmp_path: Path
) -> None:
    made = pair()
    made.set_weights(blue=90, green=10)
    bluegreen = Commands(environ, tmp_path)
    alone = bluegreen("analyze", "web", "--live", "blue", "-o", "json").json()
    assert (alone["verdict"], "past the split" in alone["reason"]) == ("inconclusive", False)
    made.client("elbv2").create_rule(
        ListenerArn=made.listener_arn,
        Priority=3,
        Conditions=[{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Beta", "Values": ["me"]}}],
        Actions=[{"Type": "forward", "TargetGroupArn": made.group("green")}],
    )
    beside = bluegreen("analyze", "web", "--live", "blue", "-o", "json").json()
    assert beside["verdict"] == "inconclusive"
    assert beside["reason"].startswith(
        "rule 3 of the HTTP listener on port 20080 (header X-Beta) sends requests to green, past the split, so "
    )
