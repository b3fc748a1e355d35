"""The contract suite of Journal, on LocalStack's DynamoDB by moto."""

# ruff: noqa: F403 - the suite is the other module's whole

import pytest

from tests.contracts.test_journal import *

pytestmark = pytest.mark.localstack
