"""The contract suite of Router, on LocalStack: rules, listeners, a Network Load Balancer's listeners."""

# ruff: noqa: F403 - the suite is the other module's whole

import pytest

from tests.contracts.test_router import *

pytestmark = pytest.mark.localstack
