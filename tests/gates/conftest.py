"""Servers on loopback, plain and with a certificate that this process trusts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.http_server import Server, running_server
from toolkit.lab.dataplane.certificate import self_signed


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as running:
        yield running


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """PEM files of a certificate for `localhost` and 127.0.0.1, and of its key."""
    made, place = self_signed(), tmp_path_factory.mktemp("certificate")
    chain, key = place / "chain.pem", place / "key.pem"
    chain.write_text(made.chain)
    key.write_text(made.key)
    return chain, key


@pytest.fixture
def secure(certificate: tuple[Path, Path]) -> Iterator[Server]:
    """A server whose certificate nobody trusts yet."""
    with running_server(certificate=certificate) as running:
        yield running


@pytest.fixture
def trusted(secure: Server, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Server:
    """The same, trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    return secure
