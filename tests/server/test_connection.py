"""Adapter: requests sent without waiting for answers, over a real socket, spoken to in bytes."""

import asyncio
import socket
import time

import pytest

from hookagent.config.model import Server
from hookagent.server.connection import AHEAD_MAX
from hookagent.server.limits import Limits
from hookagent.server.listener import Listener
from tests.patience import PATIENCE_S
from tests.pipeline.conftest import NOW
from tests.whole.served import signature

NOWHERE = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
UNSIGNED = b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"


def signed(body: bytes) -> bytes:
    head = f"X-Shop-Signature: {signature(body)}\r\nContent-Length: {len(body)}\r\n\r\n"
    return b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\n" + head.encode() + body


@pytest.fixture
def limit_ms():
    """Give how long a connection may say nothing: longer than any machine stands still."""
    return 60_000


@pytest.fixture
async def listener(make_ingest, gate, limit_ms):
    limits = Limits(Server(keepalive_ms=limit_ms, read_timeout_ms=limit_ms), behind_tunnel=False)
    made = Listener(make_ingest(gate), limits, clock=lambda: NOW, base_url=lambda: "")
    yield made
    await made.close(1)


@pytest.fixture
async def port(listener):
    return await listener.start("127.0.0.1", 0)


async def statuses(port: int, *parts: bytes, count: int) -> list[int]:
    """Send the parts with a moment between them; return the status of so many answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = b""
    try:
        async with asyncio.timeout(PATIENCE_S):
            for part in parts:
                writer.write(part)
                await asyncio.sleep(0.05)  # a packet of its own
            while data.count(b"HTTP/1.1 ") < count and (more := await reader.read(1 << 20)):
                data += more
    finally:
        writer.close()
    return [int(one[:3]) for one in data.split(b"HTTP/1.1 ")[1:]]


async def test_a_long_pipe_behind_a_delivery_is_answered_in_order(port):
    pipe = signed(b'{"id":"1"}') + NOWHERE * 3_000

    assert await statuses(port, pipe, count=3_001) == [200] + [404] * 3_000


async def test_a_long_pipe_behind_a_body_in_pieces_is_answered_in_order(port):
    found = await statuses(port, UNSIGNED + b"ab", b"cd" + NOWHERE * 3_000, count=3_001)

    assert found == [401] + [404] * 3_000


@pytest.mark.parametrize("before", range(2 * AHEAD_MAX + 1))
async def test_the_last_of_a_pipe_may_come_in_pieces(port, before):
    pipe = NOWHERE * before + UNSIGNED + b"ab"

    found = await statuses(port, pipe, b"cd" + NOWHERE, count=before + 2)

    assert found == [404] * before + [401, 404]


async def test_deliveries_of_one_pipe_are_all_stored(port):
    pipe = b"".join(signed(b'{"id":"%d"}' % number) for number in range(200))

    assert await statuses(port, pipe, count=200) == [200] * 200


async def test_an_answer_to_head_is_not_followed_by_a_body(port):
    head = b"HEAD /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head + NOWHERE)
    first = await reader.readuntil(b"\r\n\r\n")
    second = await reader.readline()
    writer.close()

    assert first.startswith(b"HTTP/1.1 404 ")
    assert second == b"HTTP/1.1 404 Not Found\r\n"


@pytest.mark.parametrize("limit_ms", [1_000])
async def test_who_does_not_take_the_answers_is_held_and_then_gone(listener, port):
    deaf = socket.create_connection(("127.0.0.1", port))
    deaf.settimeout(0)

    sent = await asyncio.to_thread(push, deaf, NOWHERE * 1_000)
    async with asyncio.timeout(PATIENCE_S):
        while listener.connections:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)

    assert sent < 32 * 1024 * 1024
    deaf.close()


def push(deaf: socket.socket, data: bytes) -> int:
    """Send until nothing is taken for a while or the peer is gone; return how much was taken."""
    sent, deadline = 0, time.monotonic() + 0.5
    while time.monotonic() < deadline:
        try:
            sent += deaf.send(data)
            deadline = time.monotonic() + 0.5
        except BlockingIOError:
            time.sleep(0.01)
        except OSError:
            break
    return sent


async def test_a_bug_of_ours_ends_the_connection_and_is_told(listener, port, monkeypatch):
    told = []
    listener.loop.set_exception_handler(lambda _, context: told.append(context["message"]))

    def broken(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(listener.ingest, "receive", broken)

    assert await statuses(port, UNSIGNED + b"ab", b"cd", count=1) == []
    assert told == ["a request met a bug"]
    assert not listener.connections
