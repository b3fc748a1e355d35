"""The contract suite of Store, on LocalStack's DynamoDB by moto."""

# ruff: noqa: F403 - the suite is the other module's whole

import pytest

from tests.contracts.test_store import *

pytestmark = pytest.mark.localstack
