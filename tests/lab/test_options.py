"""What a lab can be told, and what it refuses."""

from typing import Any

import pytest

from toolkit.errors import LabError
from toolkit.lab.options import LabOptions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "../elsewhere"}, "no name for a lab"),
        ({"name": ""}, "no name for a lab"),
        ({"port": 65_536}, "65536 is no port"),
        ({"propagation_delay": -0.1}, "propagation_delay is -0.1"),
        ({"metrics_delay": float("nan")}, "metrics_delay is nan"),
        ({"metrics_revision": float("inf")}, "metrics_revision is inf"),
        ({"time_scale": 0}, "time_scale is 0"),
    ],
)
def test_nonsense_is_refused_at_the_door(options: dict[str, Any], message: str) -> None:
    with pytest.raises(LabError, match=message) as caught:
        LabOptions(**options)
    assert caught.value.hint


def test_options_survive_json() -> None:
    options = LabOptions(name="one", port=4566, propagation_delay=1.5, time_scale=0.1)
    assert LabOptions.from_json(options.to_json()) == options


def test_a_running_lab_can_change_its_delays_only() -> None:
    assert LabOptions().changed({"metrics_delay": 5}).metrics_delay == 5.0
    with pytest.raises(LabError, match="cannot change name, port"):
        LabOptions().changed({"port": 1, "name": "x"})
    with pytest.raises(LabError, match="metrics_delay is '5'"):
        LabOptions().changed({"metrics_delay": "5"})
    with pytest.raises(LabError, match="metrics_delay is True"):
        LabOptions().changed({"metrics_delay": True})


def test_metrics_are_late_unless_told_otherwise() -> None:
    assert LabOptions().metrics_delay > 0
    assert LabOptions().metrics_revision > 0
