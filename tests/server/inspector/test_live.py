"""Adapter: the live stream, its resume and its bounds."""

import asyncio
import json
from typing import Any

from hookagent.server.inspector.tail import QUEUE_MAX, RESET, Message, Reader
from tests.server.inspector.conftest import ORDER, running


class Stream:
    """A reader of server-sent events."""

    def __init__(self, answer) -> None:
        self.answer = answer

    async def next(self, event: str) -> tuple[str, Any]:
        """Return the id and data of the next message of that kind."""
        found: dict[str, str] = {}
        async with asyncio.timeout(10):
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
    async with asyncio.timeout(15):
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
