from typing import Any

import pytest

from toolkit.lab.app.faults import Faults


def test_changes_leave_the_other_faults_as_they_are() -> None:
    faults = Faults(latency_ms=5).updated({"error_rate": 0.5, "hang": True})
    assert faults == Faults(latency_ms=5, error_rate=0.5, hang=True)
    assert faults.updated({"hang": False}).as_json() == {
        "latency_ms": 5,
        "error_rate": 0.5,
        "hang": False,
        "reset": False,
        "unhealthy": False,
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"slow": 1}, "no fault is called 'slow'"),
        ({"error_rate": 1.5}, "from 0 to 1"),
        ({"error_rate": True}, "takes a number"),
        ({"latency_ms": -1}, "negative"),
        ({"hang": 1}, "takes true or false"),
    ],
)
def test_nonsense_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Faults().updated(changes)
