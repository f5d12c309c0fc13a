"""Pure: cloudflared's log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.tunnel.base import Level
from hookagent.tunnel.cloudflared_log import as_log, metrics_address, quick_url, reason


def test_the_interface_is_found():
    line = "2026-01-31T12:00:00Z INF Starting metrics server on 127.0.0.1:43727/metrics"

    assert metrics_address(line) == "127.0.0.1:43727"
    assert metrics_address("Starting metrics server on 203.0.113.7:80/metrics") == ""


def test_the_address_in_the_box_is_found_and_the_providers_own_is_not():
    assert quick_url("INF |  https://a-b-c.trycloudflare.com   |") == (
        "https://a-b-c.trycloudflare.com"
    )
    assert quick_url("Post https://api.trycloudflare.com/tunnel: refused") == ""


@pytest.mark.parametrize(
    ("line", "code", "retryable"),
    [
        ("error code: 1015", "rate-limited", True),
        ('status_code="429 Too Many Requests"', "rate-limited", True),
        ('status_code="403 Forbidden"', "refused", False),
        ("Provided Tunnel token is not valid.", "bad-token", False),
        ("dial udp: i/o timeout", "no-network", True),
        ("failed to unmarshal quick Tunnel: invalid character", "provider-failed", True),
        ("something new", "agent-died", True),
    ],
)
def test_an_end_is_explained(line, code, retryable):
    down = reason(["INF hello", line])

    assert (down.code, down.retryable) == (code, retryable)


def test_only_warnings_are_kept():
    assert as_log("2026-01-31T12:00:00Z INF hello") is None
    log = as_log("2026-01-31T12:00:00Z ERR no")
    assert log is not None
    assert log.level is Level.ERROR


@given(st.lists(st.text()))
def test_any_lines_are_explained(lines):
    assert reason(lines).message
