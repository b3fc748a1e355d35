"""moto reads thousands of machine images into each fresh world; no test here needs one."""

import pytest


@pytest.fixture(autouse=True)
def _no_machine_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
