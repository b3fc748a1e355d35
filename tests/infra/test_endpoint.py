"""An endpoint on this machine where nothing listens is refused at once."""

import socket

import pytest

from toolkit.errors import AwsUnreachable, UsageError
from toolkit.infra.endpoint import require_listener


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_that_refuses_is_named_with_the_way_out(host: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://{host}:{taken.getsockname()[1]}"
        with pytest.raises(AwsUnreachable, match=url) as refused:
            require_listener({"AWS_ENDPOINT_URL": url})
    assert "--endpoint-url" in refused.value.hint


def test_a_port_that_answers_will_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        require_listener({"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.getsockname()[1]}"})


@pytest.mark.parametrize("environ", [{}, {"AWS_ENDPOINT_URL": ""}, {"AWS_ENDPOINT_URL": "https://aws.example"}])
def test_no_endpoint_and_one_elsewhere_are_left_to_the_provider(environ: dict[str, str]) -> None:
    require_listener(environ)


@pytest.mark.parametrize("url", ["127.0.0.1:4566", "http://", "http://127.0.0.1:port", "http://[::1"])
def test_an_endpoint_that_is_no_address_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        require_listener({"AWS_ENDPOINT_URL": url})
