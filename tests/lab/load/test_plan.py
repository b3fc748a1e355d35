from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.lab.load.__main__ import arguments
from toolkit.lab.load.plan import LoadPlan
from toolkit.lab.load.process import command


@given(st.floats(0, 1), st.integers(1, 300))
def test_every_stretch_holds_its_share_of_post(share: float, count: int) -> None:
    requests = list(islice(LoadPlan("http://h/", post_share=share).methods(), count))
    posts = sum(request.startswith(b"POST") for request in requests)
    assert abs(posts - share * count) <= 1


def test_what_goes_over_the_wire() -> None:
    plan = LoadPlan("http://127.0.0.1:81/a?b=c", keep_alive=False, headers={"X-A": "1"}, body_bytes=3)
    assert plan.wire("POST").decode().splitlines() == [
        "POST /a?b=c HTTP/1.1",
        "Host: 127.0.0.1:81",
        "User-Agent: bluegreen-load",
        "X-A: 1",
        "Content-Type: text/plain",
        "Content-Length: 3",
        "Connection: close",
        "",
        "xxx",
    ]
    assert LoadPlan("http://h").wire("GET").startswith(b"GET / HTTP/1.1\r\n")
    assert b"Connection" not in plan.wire("GET", closing=False)
    assert (LoadPlan("http://h").port, LoadPlan("https://h").port) == (80, 443)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "ftp://h"}, "no address"),
        ({"requests": 0}, "1 to"),
        ({"duration": 1e9}, "up to"),
        ({"connections": 0}, "1 or more"),
        ({"post_share": 2}, "from 0 to 1"),
        ({"rate": 0.0}, "more than 0"),
        ({"headers": {"X": "\u20ac"}}, "cannot be sent"),
        ({"standing": -1}, "0 to"),
        ({"standing_rate": 0.0}, "more than 0"),
        ({"url": "tcp://127.0.0.1:1"}, "connection of its own"),
        ({"url": "tcp://10.0.0.1:1", "keep_alive": False}, "not on loopback"),
        ({"url": "tcp://elsewhere:1", "keep_alive": False}, "not on loopback"),
        ({"url": "tls://127.0.0.1", "keep_alive": False}, "names no port"),
    ],
)
def test_a_plan_without_bounds_or_sense_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LoadPlan(**{"url": "http://h", **settings})


def test_the_command_line_carries_the_whole_plan() -> None:
    plan = LoadPlan(
        "http://h:1/x",
        requests=5,
        duration=2.5,
        connections=3,
        post_share=0.25,
        keep_alive=False,
        rate=10.0,
        timeout=1.5,
        expected={"blue": "v1", "green": "v2"},
        headers={"X-A": "1"},
        bucket_seconds=0.02,
        standing=7,
        standing_rate=0.5,
    )
    words = command(plan)
    assert arguments(words[words.index("toolkit.lab.load") + 1 :]) == (plan, True)
