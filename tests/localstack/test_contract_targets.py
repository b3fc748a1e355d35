"""The contract suite of Targets, on LocalStack with the health that the attached data plane sees."""

# ruff: noqa: F403 - the suite is the other module's whole

import pytest

from tests.contracts.test_targets import *

pytestmark = pytest.mark.localstack
