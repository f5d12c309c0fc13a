"""Adapter: handing requests to the listener."""

import pytest

from hookagent.tunnel import courier
from hookagent.tunnel.courier import UNREACHED, Courier
from hookagent.tunnel.relayed import Relayed

REQUEST = Relayed(
    method="PUT",
    query="a=1&b=%2F",
    headers=(("X-A", "1"), ("X-A", "2"), ("Content-Type", "application/json")),
    body=b'{"a": 1.0}\x00',
    is_exact=True,
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(courier, "PAUSES_SECONDS", (0.0, 0.0, 0.0))


async def test_a_request_arrives_as_it_was(listener):
    async with Courier("svix", listener.url, "/hooks/a%2Fb") as carrier:
        answer = await carrier.deliver(REQUEST)

    [arrival] = listener.arrivals
    assert (arrival.method, arrival.target) == ("PUT", "/hooks/a%2Fb?a=1&b=%2F")
    assert arrival.body == REQUEST.body
    assert arrival.headers["x-hookagent-relay"] == "svix; bytes=exact"
    assert set(arrival.headers) == {
        "x-a", "content-type", "x-hookagent-relay", "host", "content-length",
    }  # fmt: skip
    assert (answer.status, answer.body) == (200, b"stored")
    assert ("X-Answer", "yes") in answer.headers


async def test_a_busy_listener_is_asked_again(listener):
    listener.statuses = [503, 429]
    async with Courier("smee", listener.url, "/") as carrier:
        answer = await carrier.deliver(REQUEST)

    assert answer.status == 200
    assert len(listener.arrivals) == 3


async def test_a_listener_that_refuses_is_asked_once(listener):
    listener.statuses = [403]
    async with Courier("smee", listener.url, "/") as carrier:
        answer = await carrier.deliver(REQUEST)

    assert answer.status == 403
    assert len(listener.arrivals) == 1


async def test_a_listener_that_is_away_is_given_up_in_the_end():
    async with Courier("smee", "http://127.0.0.1:9", "/") as carrier:
        assert await carrier.deliver(REQUEST) == UNREACHED
