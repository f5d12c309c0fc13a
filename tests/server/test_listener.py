"""Adapter: a real listener on a real socket, spoken to in bytes."""

import asyncio
import json

import pytest

from hookagent.config.model import Server
from hookagent.server import crowd
from hookagent.server.connection import PROBE_PREFIX
from hookagent.server.limits import Limits
from hookagent.server.listener import Listener
from tests.patience import PATIENCE_S
from tests.pipeline.conftest import NOW
from tests.whole.served import signature


@pytest.fixture
async def start(make_ingest, gate):
    running = []

    async def start_with(**server):
        limits = Limits(Server(**server), behind_tunnel=server.pop("tunnel", False))
        listener = Listener(make_ingest(gate), limits, clock=lambda: NOW, base_url=lambda: "")
        port = await listener.start("127.0.0.1", 0)
        running.append(listener)
        return listener, port

    yield start_with
    for listener in running:
        await listener.close(1)


async def talk(port: int, data: bytes, *, until_closed=False) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        await writer.drain()
        async with asyncio.timeout(PATIENCE_S):
            if until_closed:
                return await reader.read()
            return await one_answer(reader)
    finally:
        writer.close()


async def one_answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    return head + await reader.readexactly(length)


async def until(condition) -> None:
    """Let the loop go on until something is true."""
    while not condition():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0)


def request(payload, *, path=b"/hooks/shop", extra=b"", signed=True) -> bytes:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    proof = b"X-Shop-Signature: " + signature(body).encode() + b"\r\n" if signed else b""
    return b"POST %b HTTP/1.1\r\nHost: x\r\n%b%bContent-Length: %d\r\n\r\n%b" % (
        path,
        proof,
        extra,
        len(body),
        body,
    )


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def test_a_signed_request_is_accepted(start):
    _, port = await start()

    answer = await talk(port, request({"id": "1"}))

    assert status(answer) == 200
    assert b'"status":"accepted"' in answer
    assert b"\r\nServer: hookagent\r\n" in answer


async def test_pipelined_requests_are_answered_in_their_order(start):
    _, port = await start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"".join(request({"id": f"{n}"}) for n in range(20)) + request(b"bad", signed=False)
    )

    answers = [await one_answer(reader) for _ in range(21)]
    writer.close()

    ids = [json.loads(answer.partition(b"\r\n\r\n")[2]).get("id") for answer in answers]
    assert ids[:20] == sorted(ids[:20])
    assert [status(answer) for answer in answers] == [200] * 20 + [401]


async def test_whole_requests_pieces_and_pipes_of_one_connection_are_answered_in_their_order(start):
    _, port = await start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    numbers = iter(range(100))

    def made(count=1):
        return b"".join(request({"id": f"{next(numbers)}"}) for _ in range(count))

    answers = []
    for pieces, count in [
        ([made()], 1),
        ([made()], 1),
        ([made(), made()], 2),  # the second comes while the first waits for its commit
        ([made()], 1),
        ([(one := made())[:40], one[40:]], 1),
        ([made(3)], 3),
        ([made()], 1),
        ([request({"id": "last"}, extra=b"Connection: close\r\n")], 1),
    ]:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.02)
        answers += [await one_answer(reader) for _ in range(count)]
    rest = await reader.read()
    writer.close()

    ids = [json.loads(answer.partition(b"\r\n\r\n")[2])["id"] for answer in answers]
    assert [status(answer) for answer in answers] == [200] * 11
    assert ids == sorted(set(ids))
    assert rest == b""


async def test_a_body_in_many_pieces_arrives_whole(start):
    _, port = await start()
    whole = request({"id": "1", "text": "x" * 300_000})
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for at in range(0, len(whole), 50_000):
        writer.write(whole[at : at + 50_000])
        await writer.drain()

    answer = await one_answer(reader)
    writer.close()

    assert status(answer) == 200


async def test_a_chunked_body_arrives_whole(start):
    _, port = await start()
    body = b'{"id":"chunks"}'
    head = (
        b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nX-Shop-Signature: %b\r\nTransfer-Encoding: chunked\r\n\r\n"
        % signature(body).encode()
    )
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"

    assert status(await talk(port, head + chunks)) == 200


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (request({"id": "1"}, path=b"/nope"), 404),
        (request({"id": "1"}, path=b"/hooks/shop/"), 404),
        (request({"id": "1"}, path=b"/HOOKS/shop"), 404),
        (request({"id": "1"}, path=b"/hooks/%73hop"), 404),
        (b"GET /hooks/shop HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"DELETE /hooks/shop HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (request({"id": "1"}, extra=b"Content-Encoding: gzip\r\n"), 415),
        (request({"id": "1"}, extra=b"Content-Encoding: br\r\n"), 415),
        (b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (request({"id": "1"}, extra=b"Content-Length: 3\r\n"), 400),
        (request({"id": "1"}, extra=b"Transfer-Encoding: chunked\r\n"), 400),
        (b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n", 400),
        (b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nX" + b"y" * 9000 + b": 1\r\n\r\n", 400),
        (b"POST /" + b"y" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"POST /hooks/shop HTTP/2.0\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 505),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GARBAGE\r\n\r\n", 400),
    ],
)
async def test_what_is_not_for_us_gets_one_plain_answer_without_an_echo(start, data, expected):
    _, port = await start()

    answer = await talk(port, data)

    assert status(answer) == expected
    assert b"aiohttp" not in answer
    assert b"Python" not in answer
    assert b"yyy" not in answer


async def test_an_endless_body_is_cut_at_the_limit(start):
    _, port = await start()
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    head = b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nX-Shop-Signature: sha256=0\r\nTransfer-Encoding: chunked\r\n\r\n"

    answer = await talk(port, head + chunk * 20, until_closed=True)

    assert status(answer) == 413


async def test_a_stalled_body_is_ended_in_time(start):
    _, port = await start(read_timeout_ms=200)

    answer = await talk(
        port,
        b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{",
        until_closed=True,
    )

    assert status(answer) == 408


async def test_dribbled_headers_and_idle_connections_are_closed(start):
    _, port = await start(keepalive_ms=100)

    assert await talk(port, b"POST /hooks/shop HT", until_closed=True) == b""
    assert await talk(port, b"", until_closed=True) == b""


async def test_a_crowd_that_says_nothing_pushes_out_its_own(start):
    listener, port = await start(max_connections=2)
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    await until(lambda: len(listener.connections) >= 2)

    answer = await talk(port, request({"id": "1"}))

    assert status(answer) == 200
    assert await held[0][0].read() == b""
    for _, writer in held:
        writer.close()


async def test_connections_beyond_the_limit_are_turned_away_while_all_are_at_work(start):
    listener, port = await start(max_connections=2, read_timeout_ms=120_000)
    begun = b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    for _, writer in held:
        writer.write(begun)
    await until(lambda: listener.bodies >= 2)

    answer = await talk(port, b"", until_closed=True)

    assert status(answer) == 503
    for _, writer in held:
        writer.close()


async def test_the_slowest_body_gives_way_to_a_new_one(start, monkeypatch):
    monkeypatch.setattr(crowd, "BODY_GRACE_S", PATIENCE_S)
    listener, port = await start(max_bodies=1, read_timeout_ms=120_000)
    head = b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    await until(lambda: listener.bodies >= 1)

    young = await talk(port, head)
    (connection,) = [one for one in listener.connections if one.reading]
    connection.reading.since -= PATIENCE_S  # it has dribbled for so long
    body = b'{"id":"1"}'
    whole = request(body)
    good, sender = await asyncio.open_connection("127.0.0.1", port)
    sender.write(whole[:-3])
    old = await one_answer(reader)
    sender.write(whole[-3:])

    assert status(young) == 503
    assert status(old) == 408
    assert status(await one_answer(good)) == 200
    writer.close()
    sender.close()


async def test_a_sender_that_asks_first_is_told_to_go_on(start):
    _, port = await start()
    whole = request(b'{"id":"1"}', extra=b"Expect: 100-continue\r\n")
    head, _, body = whole.partition(b"\r\n\r\n")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    writer.write(head + b"\r\n\r\n")
    told = await reader.readuntil(b"\r\n\r\n")
    writer.write(body)

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert status(await one_answer(reader)) == 200
    writer.close()


async def test_a_sender_that_asks_first_and_is_refused_is_not_told_to_go_on(start):
    _, port = await start()

    answer = await talk(
        port,
        b"POST /nope HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    )

    assert status(answer) == 404


async def test_a_request_to_connect_elsewhere_gets_one_answer(start):
    _, port = await start()

    answer = await talk(
        port,
        b"CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        until_closed=True,
    )

    assert answer.count(b"HTTP/1.1 ") == 1
    assert status(answer) == 404


async def test_an_upgrade_is_not_granted(start):
    _, port = await start()

    answer = await talk(
        port,
        request({"id": "1"}, extra=b"Connection: Upgrade\r\nUpgrade: websocket\r\n"),
        until_closed=True,
    )

    assert status(answer) in {200, 400}
    assert b"101" not in answer.split(b"\r\n")[0]


async def test_only_a_known_nonce_answers_the_probe(start):
    listener, port = await start()
    listener.probes.add("abc")

    known = await talk(port, b"GET %babc HTTP/1.1\r\nHost: x\r\n\r\n" % PROBE_PREFIX.encode())
    unknown = await talk(port, b"GET %bxyz HTTP/1.1\r\nHost: x\r\n\r\n" % PROBE_PREFIX.encode())

    assert known.endswith(b"abc")
    assert status(unknown) == 404


@pytest.mark.parametrize(
    ("behind_tunnel", "header", "expected"),
    [
        (False, b"X-Forwarded-For: 192.0.2.1\r\n", "127.0.0.1"),
        (True, b"X-Forwarded-For: 10.0.0.1, 192.0.2.1\r\n", "192.0.2.1"),
        (True, b"", ""),
        (True, b"X-Forwarded-For: nonsense\r\n", ""),
    ],
)
async def test_a_forwarded_address_is_believed_from_our_own_tunnel_only(
    start, store, behind_tunnel, header, expected
):
    listener, port = await start()
    listener.limits.behind_tunnel = behind_tunnel

    answer = await talk(port, request({"id": "1"}, extra=header))

    record = await store.event(json.loads(answer.partition(b"\r\n\r\n")[2])["id"])
    assert record.event.request.client_ip == expected


async def test_a_stop_lets_the_answer_under_way_out_and_takes_nothing_new(start):
    listener, port = await start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request({"id": "1"}))
    answer = await one_answer(reader)
    await listener.close(1)

    assert status(answer) == 200
    assert await reader.read() == b""
    with pytest.raises(OSError, match="onnect"):
        await asyncio.open_connection("127.0.0.1", port)
    writer.close()
