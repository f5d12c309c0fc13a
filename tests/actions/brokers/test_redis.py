"""Adapter: a real Redis, its streams."""

import pytest
from redis.asyncio import Redis

from hookagent.job import Again, Done, Never
from tests.actions.conftest import act
from tests.actions.services import needs

URL = "redis://127.0.0.1:6379/0"
pytestmark = needs("Redis", 6379)


@pytest.fixture
async def redis(topic):
    client = Redis.from_url(URL)
    yield client
    await client.delete(topic, f"{{{topic}}}:hookagent:run_1-0")
    await client.aclose()


async def test_an_entry_is_added_once_for_each_key(outside, redis, topic):
    options = {"url": URL, "topic": topic, "data": {"n": "{{ n }}"}}

    first = await act("publish", options, outside, {"n": 1})
    second = await act("publish", options, outside, {"n": 1})

    entries = await redis.xrange(topic)
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert first.output["entry"] == second.output["entry"]
    assert (first.output["is_duplicate"], second.output["is_duplicate"]) == (False, True)
    assert len(entries) == 1
    assert entries[0][1] == {
        b"id": b"run_1-0",
        b"data": b'{"n":1}',
        b"content_type": b"application/json",
        b"hookagent-event": b"evt_1",
        b"hookagent-source": b"shop",
        b"hookagent-type": b"order.paid",
    }


async def test_a_key_that_is_no_stream_is_for_good(outside, redis, topic):
    await redis.set(topic, "text")

    outcome = await act("publish", {"url": URL, "topic": topic}, outside)

    assert isinstance(outcome, Never)
    assert "WRONGTYPE" in outcome.error


async def test_a_server_that_is_not_there_is_tried_again(outside):
    assert isinstance(
        await act("publish", {"url": "redis://127.0.0.1:1", "topic": "x"}, outside), Again
    )
