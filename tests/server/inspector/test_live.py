"""Adapter: the live stream, its resume and its bounds."""

import asyncio
import json
from typing import Any

import pytest

from hookagent.pipeline.feed import Feed
from hookagent.server.inspector import tail
from hookagent.server.inspector.tail import QUEUE_MAX, RESET, Message, Reader
from hookagent.store.registry import open_store
from hookagent.store.sharing import News
from hookagent.store.sqlite import SqliteStore
from tests.patience import PATIENCE_S
from tests.server.inspector.conftest import running
from tests.store.making import event
from tests.whole.shop import ORDER


@pytest.fixture
async def store(tmp_path):
    opened = open_store("sqlite:///test.db", tmp_path / "state")
    await opened.open()
    yield opened
    await opened.close()


class Stream:
    """A reader of server-sent events."""

    def __init__(self, answer) -> None:
        self.answer = answer

    async def next(self, event: str) -> tuple[str, Any]:
        """Return the id and data of the next message of that kind."""
        found: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_S):
            while True:
                line = (await self.answer.content.readline()).decode().rstrip("\n")
                if line:
                    name, _, value = line.partition(": ")
                    found[name] = value
                elif found.get("event") == event:
                    return found.get("id", ""), json.loads(found["data"])
                else:
                    found = {}


def stream(agent, last=""):
    headers = {**agent.bearer, **({"Last-Event-ID": last} if last else {})}
    return agent.http.get(f"{agent.base}/api/live", headers=headers)


async def test_new_events_and_changes_are_told(agent):
    async with stream(agent) as answer:
        live = Stream(answer)
        await live.next("hello")
        event_id = (await agent.post(ORDER))["id"]
        seq, row = await live.next("row")
        _, changed = await live.next("changed")

    assert answer.headers["Content-Type"] == "text/event-stream"
    assert row["id"] == event_id
    assert int(seq) == row["seq"]
    assert changed["ids"] == [event_id]


async def test_a_stream_resumes_after_what_was_seen(agent):
    ids = [(await agent.post({**ORDER, "id": n}))["id"] for n in range(3)]
    first = (await agent.get("/api/events"))[1]["events"][-1]["seq"]

    async with stream(agent, last=str(first)) as answer:
        live = Stream(answer)
        await live.next("hello")
        rows = [(await live.next("row"))[1]["id"] for _ in range(2)]
        new = (await agent.post({**ORDER, "id": 9}))["id"]
        rows.append((await live.next("row"))[1]["id"])

    assert rows == [*ids[1:], new]


async def test_streams_end_when_the_agent_stops(tmp_path):
    async with asyncio.timeout(PATIENCE_S):
        async with running(tmp_path) as agent:
            answer = await stream(agent)
            await Stream(answer).next("hello")
        answer.close()


async def test_a_slow_reader_gets_a_reset_instead_of_everything():
    reader = Reader()
    for number in range(QUEUE_MAX + 5):
        reader.put(Message("row", b"{}", number + 1))

    news = await reader.batch(1)

    assert news[0] == RESET
    assert len(news) == 5


def test_a_message_is_written_as_the_stream_wants_it():
    assert Message("row", b'{"a":1}', 7).wire() == b'id: 7\nevent: row\ndata: {"a":1}\n\n'
    assert RESET.wire() == b"event: reset\ndata: {}\n\n"


async def test_what_another_node_did_is_told_too(store, monkeypatch):
    monkeypatch.setattr(tail, "LOOK_S", 0.02)
    monkeypatch.setattr(SqliteStore, "is_shared", property(lambda _: True))
    heard = []
    monkeypatch.setattr(SqliteStore, "listen", lambda _, hear: heard.append(hear))
    begun = asyncio.Event()

    class Begun(tail.Tail):
        async def newest(self) -> int:
            found = await super().newest()
            begun.set()
            return found

    followed = Begun(store, Feed())
    reader = followed.join()
    task = asyncio.ensure_future(followed.run())

    async def next_of(kind):
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for one in await reader.batch(PATIENCE_S):
                    if one.event == kind:
                        return one

    try:
        await begun.wait()
        await store.accept(event(1))  # no word of it in our feed

        row = await next_of("row")
        assert json.loads(row.data)["id"] == event(1).id
        monkeypatch.setattr(tail, "LOOKS_PER_CHANGE", 10**9)
        await reader.batch(0.2)
        heard[0](News.RUNS)
        changed = await next_of("changed")
        assert json.loads(changed.data) == {"ids": [], "many": True}
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
