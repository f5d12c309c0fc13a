"""Adapter: the load generator against servers that behave well, oddly, and badly."""

import hashlib
import hmac
import json
import math
import socket
import threading
from collections.abc import Callable
from contextlib import contextmanager

import pytest

from benchmarks.deliveries import deliveries
from benchmarks.load import Closed, Load, Open, percentile

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def read_request(wire: socket.socket) -> bytes:
    """Read one delivery; empty when the sender is gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = wire.recv(65_536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    size = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
    while len(body) < size:
        body += wire.recv(65_536)
    return head + b"\r\n\r\n" + body


@contextmanager
def serving(handle: Callable[[socket.socket], None]):
    """Serve each connection in a thread of its own; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def one(wire: socket.socket) -> None:
            try:
                handle(wire)
            except OSError:
                pass
            finally:
                wire.close()

        def accept() -> None:
            while True:
                try:
                    wire, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(wire,), daemon=True).start()

        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        acceptor.join()


def sent(port, count, *, connections=4, size=300, answer_s=5.0):
    made = deliveries(port=port, path="/hooks/bench", secret="s3cret", size=size)
    load = Load(port, connections, Closed(0, math.inf, count), made, answer_s=answer_s)
    load.run()
    return load.tally


def answering(*answers: bytes, closes: bool = False):
    def handle(wire: socket.socket) -> None:
        while read_request(wire):
            for answer in answers:
                wire.sendall(answer)
            if closes:
                return

    return handle


def test_connections_that_are_kept_are_used_again():
    with serving(answering(OK)) as port:
        tally = sent(port, 100)

    assert tally.statuses == {200: 100}
    assert not tally.errors
    assert tally.connects <= 4
    assert len(tally.latencies) == 100


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\nok",
        OK,  # closes without a word
    ],
)
def test_a_server_that_closes_after_each_answer_gets_all_the_same(answer):
    with serving(answering(answer, closes=True)) as port:
        tally = sent(port, 50)

    assert tally.statuses == {200: 50}
    assert not tally.errors
    assert tally.connects >= 50


def test_an_answer_in_pieces_and_chunks_is_one_answer():
    parts = (b"HTTP/1.1 200 OK\r\nTransfer-", b"Encoding: chunked\r\n\r\n2\r\n", b"ok\r\n0\r\n\r\n")
    with serving(answering(*parts)) as port:
        tally = sent(port, 40)

    assert tally.statuses == {200: 40}
    assert tally.connects <= 4


def test_a_large_body_arrives_whole_and_signed():
    got = []

    def handle(wire: socket.socket) -> None:
        while request := read_request(wire):
            got.append(request)
            wire.sendall(OK)

    with serving(handle) as port:
        tally = sent(port, 6, size=3_000_000, connections=2)

    assert tally.statuses == {200: 6}
    heads, bodies = zip(*(request.split(b"\r\n\r\n", 1) for request in got), strict=True)
    for head, body in zip(heads, bodies, strict=True):
        signature = head.rpartition(b"sha256=")[2].decode()
        assert signature == hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
        assert len(body) == 3_000_000
    assert len({json.loads(body)["id"] for body in bodies}) == 6


def test_a_server_that_hangs_up_without_an_answer_is_counted_and_the_load_goes_on():
    turn = iter(range(10_000))

    def handle(wire: socket.socket) -> None:
        while read_request(wire):
            if next(turn) % 3 == 0:
                return
            wire.sendall(OK)

    with serving(handle) as port:
        tally = sent(port, 60)

    assert tally.statuses[200] + tally.errors["cut off"] == 60
    assert tally.statuses[200] > 20


def test_a_server_that_says_something_else_or_nothing_is_counted():
    with serving(answering(b"SSH-2.0-x\r\n\r\n")) as port:
        assert sent(port, 5).errors == {"malformed": 5}
    with serving(answering()) as port:
        assert sent(port, 4, answer_s=0.1).errors == {"no answer": 4}


def test_nobody_there_is_counted():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert sent(port, 8).errors == {"connect": 8}


def test_refusals_are_answers():
    with serving(answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")) as port:
        assert sent(port, 10).statuses == {503: 10}


def test_the_open_loop_counts_from_the_planned_time():
    """A server that stalls once makes all that was due meanwhile late."""
    is_first = iter([True])

    def handle(wire: socket.socket) -> None:
        while read_request(wire):
            if next(is_first, False):
                threading.Event().wait(0.3)
            wire.sendall(OK)

    with serving(handle) as port:
        made = deliveries(port=port, path="/", secret="s", size=300)
        import time

        load = Load(port, 1, Open(time.perf_counter(), 100, 40), made)
        load.run()

    assert load.tally.statuses == {200: 40}
    assert sum(one > 0.1 for one in load.tally.latencies) >= 15


def test_arrivals_are_due_when_planned():
    arrivals = Open(10.0, 4, 3)

    assert arrivals.take(9.9) is None
    assert arrivals.next_at(9.9) == 10.0
    assert [arrivals.take(10.6), arrivals.take(10.6), arrivals.take(10.6)] == [10.0, 10.25, 10.5]
    assert arrivals.next_at(10.6) == math.inf


def test_the_closed_loop_ends_by_time_or_by_count():
    by_count, by_time = Closed(0, 5, 1), Closed(0, 5, 100)

    assert (by_count.take(1), by_count.take(1)) == (1, None)
    assert (by_time.take(4.9), by_time.take(5)) == (4.9, None)


def test_percentiles_of_few_and_of_none():
    assert percentile([], 0.5) == 0
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0
    assert percentile([1.0, 2.0], 1) == 2.0
