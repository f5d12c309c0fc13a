"""Names of our own in brokers that others use too."""

import secrets

import pytest


@pytest.fixture
def topic():
    return f"hookagent-test-{secrets.token_hex(6)}"
