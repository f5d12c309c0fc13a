"""Adapter: fetched events through a front door of our own, told apart from what arrived."""

import asyncio
import json
import os

import msgspec
import pytest

from hookagent.event import Headers, Origin, RawRequest
from hookagent.pipeline.catchup.door import _Ours, door
from hookagent.pipeline.catchup.missing import missed, remember, since
from hookagent.pipeline.catchup.providers import Account, log_of
from hookagent.store.base import EventFilter
from hookagent.store.registry import open_store
from hookagent.verdict import Code, Integrity
from tests.pipeline.catchup.provider import HOUR, NOW, GitHubApi, StripeApi, signature


async def stored(config):
    """Return every stored event."""
    store = open_store(config.store.url, config.state_folder, mode="tool")
    await store.open()
    try:
        rows = await store.events(EventFilter())
        records = [await store.event(row.id) for row in rows]
        return [record.event for record in records if record]
    finally:
        await store.close()


def delivery(guid, payload):
    """Make the request GitHub would send."""
    body = json.dumps(payload, separators=(",", ":")).encode()
    fields = {
        "Content-Type": "application/json",
        "X-GitHub-Delivery": guid,
        "X-GitHub-Event": "issues",
        "X-Hub-Signature-256": signature(body),
    }
    return RawRequest(headers=Headers.of(fields), body=body, received_at=NOW)


async def test_a_fetched_event_is_stored_and_never_called_signed(config):
    async with door(config, config.sources["github"], lambda: NOW) as front:
        taken = await front.take(delivery("g-1", {"action": "opened"}))

    (event,) = await stored(config)
    assert taken.word == "accepted"
    assert event.origin is Origin.FETCHED
    assert (event.verdict.code, event.verdict.integrity) == (Code.UNCHECKED, Integrity.ORIGIN)
    assert event.type == "issues.opened"
    assert "X-Hookagent-Replay" not in event.request.headers


async def test_the_same_event_fetched_twice_is_stored_once(config):
    async with door(config, config.sources["github"], lambda: NOW) as front:
        words = [(await front.take(delivery("g-1", {"a": 1}))).word for _ in range(2)]

    assert words == ["accepted", "duplicate"]


async def test_a_delivery_that_arrives_after_all_is_the_fetched_event(config):
    request = delivery("g-1", {"a": 1})
    async with door(config, config.sources["github"], lambda: NOW) as front:
        await front.take(request)
        assert isinstance(front, _Ours)
        ingest, gate = front._ingest, front._gate
        answered = asyncio.get_running_loop().create_future()
        live = msgspec.structs.replace(request, target="/hooks/github")
        ingest.receive(gate, live, answered.set_result)
        answer = await answered

    assert b"duplicate" in answer.body


async def test_a_body_that_is_none_is_refused(config):
    async with door(config, config.sources["github"], lambda: NOW) as front:
        taken = await front.take(RawRequest(body=b"not json"))

    assert taken.word == "refused"


async def test_only_what_is_not_stored_is_missed_the_oldest_first(config, outside, serve):
    api = GitHubApi()
    for number in range(4):
        api.add(f"g-{number}", {"n": number}, at=NOW - (4 - number) * HOUR)
    async with door(config, config.sources["github"], lambda: NOW) as front:
        await front.take(delivery("g-2", {"n": 2}))
    store = open_store(config.store.url, config.state_folder, mode="tool")
    await store.open()
    account = Account(base=await serve(api.answer), repository="octo/hello")
    source = config.sources["github"]

    async with log_of(config, source, account, outside) as log:
        found = await missed(log, store, source, NOW - 10 * HOUR)
    await store.close()

    assert [entry.id for entry in found] == ["g-0", "g-1", "g-3"]


async def test_the_next_look_begins_where_the_last_one_ended(config, store):
    assert await since(store, "github", NOW) == NOW - 72 * HOUR

    await remember(store, "github", NOW)

    assert await since(store, "github", NOW + 5 * HOUR) == NOW - HOUR


async def test_with_an_agent_running_it_goes_through_its_listener(config, serve):
    seen = []

    async def listener(request):
        from aiohttp import web

        seen.append((request.path, dict(request.headers), await request.read()))
        return web.json_response({"status": "accepted", "id": "evt_1"})

    config.state_folder.mkdir(parents=True, exist_ok=True)
    presence = {"pid": os.getpid(), "listener": await serve(listener)}
    (config.state_folder / "agent.json").write_text(json.dumps(presence))

    async with door(config, config.sources["github"], lambda: NOW) as front:
        taken = await front.take(delivery("g-1", {"a": 1}))

    assert taken.word == "accepted"
    ((path, headers, body),) = seen
    assert path == "/hooks/github"
    assert headers["X-Hookagent-Replay"].startswith("fetched;")
    assert body == b'{"a":1}'


@pytest.mark.parametrize("provider", [StripeApi])
async def test_stripe_s_events_are_told_apart_by_their_id(config, outside, serve, provider):
    api = provider()
    api.add(1)
    source = config.sources["pay"]
    async with log_of(config, source, Account(base=await serve(api.answer)), outside) as log:
        (entry,) = [one async for one in log.entries(0)]
        request = await log.request(entry)
    async with door(config, source, lambda: NOW) as front:
        words = [
            (await front.take(one)).word
            for one in (request, msgspec.structs.replace(request, body=request.body + b" "))
        ]

    assert words == ["accepted", "duplicate"]
