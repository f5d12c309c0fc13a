"""Pure: what a tunnel can say."""

import dataclasses
from typing import get_args

import pytest

from hookagent.tunnel.base import Down, TunnelEvent, TunnelOptions, Up


@pytest.mark.parametrize("kind", get_args(TunnelEvent))
def test_every_event_is_a_frozen_value(kind):
    assert dataclasses.is_dataclass(kind)
    assert vars(kind)["__dataclass_params__"].frozen


def test_a_down_is_final_unless_it_says_otherwise():
    assert not Down(code="x", message="y").retryable


def test_an_address_lives_until_it_is_said_to_end():
    assert Up(url="https://a.example.test").expires_at is None


def test_secrets_are_in_no_repr():
    options = TunnelOptions(provider="ngrok", authtoken="s3cret", environ={"A": "t0ken"})

    assert "s3cret" not in repr(options)
    assert "t0ken" not in repr(options)
