from typing import Any

import pytest

from toolkit.lab.app.faults import Faults


def test_changes_leave_the_other_faults_as_they_are() -> None:
    faults = Faults(latency_ms=5).updated({"error_rate": 0.5, "hang": True})
    assert faults == Faults(latency_ms=5, error_rate=0.5, hang=True)
    assert faults.updated({"hang": False}).as_json() == {
        "latency_ms": 5,
        "error_rate": 0.5,
        "slow_rate": 0.0,
        "slow_ms": 1000.0,
        "hang_rate": 0.0,
        "reset_rate": 0.0,
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
        ({"reset_rate": -0.1}, "reset_rate is -0.1; it is a share"),
        ({"error_rate": 0.7, "hang_rate": 0.4}, "1.1 together"),
        ({"latency_ms": -1}, "negative"),
        ({"slow_ms": -1}, "negative"),
        ({"hang": 1}, "takes true or false"),
    ],
)
def test_nonsense_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Faults().updated(changes)


def test_a_request_meets_one_rate_at_most_and_each_has_its_share() -> None:
    faults = Faults(error_rate=0.1, slow_rate=0.2, hang_rate=0.3, reset_rate=0.15)
    struck = [faults.of_request((chance + 0.5) / 100) for chance in range(100)]
    shares = {name: struck.count(name) for name in dict.fromkeys(struck)}
    assert shares == {"error_rate": 10, "slow_rate": 20, "hang_rate": 30, "reset_rate": 15, "": 25}
    assert {Faults().of_request(chance) for chance in (0.0, 0.999)} == {""}


def test_rates_may_be_all_of_the_requests() -> None:
    assert Faults(error_rate=0.1, slow_rate=0.2, hang_rate=0.7).of_request(0.999999) == "hang_rate"
