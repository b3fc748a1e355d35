"""Without the `lab` extra there is one line that says how to get it."""

import pytest

from toolkit.errors import LabNotInstalled
from toolkit.lab.installed import NEEDED, require_extra


def test_what_is_missing_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(LabNotInstalled, match="no_such_module missing") as caught:
        require_extra([*NEEDED, "no_such_module"])
    assert "pip install 'bluegreen[lab]'" in caught.value.hint


def test_here_it_is_installed() -> None:
    require_extra()
