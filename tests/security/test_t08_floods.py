"""T8: a flood of bad signatures costs the flooder; genuine senders hardly notice."""

import socket
import statistics
import threading
import time
from typing import Self

import pytest

from tests.patience import PATIENCE_S, least
from tests.security.raw import signed, statuses
from tests.security.resources import memory
from tests.whole.served import Served, serving, write_project

pytestmark = pytest.mark.alone

BAD = (
    b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nX-Shop-Signature: sha256=%064d\r\n"
    b'Content-Length: 12\r\n\r\n{"id":"bad"}'
)  # fmt: skip
AT_ONCE = 20
THREADS = 2
PACE_S = AT_ONCE * THREADS / 10_000
"""So that all threads together send at most 10,000 a second."""


class Flood:
    """Sends bad signatures from several threads until told to stop."""

    def __init__(self, port: int, threads: int = THREADS) -> None:
        self.port = port
        self.end = threading.Event()
        self.sent = 0
        self.answers: set[int] = set()
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def run(self) -> None:
        data = b"".join(BAD % number for number in range(AT_ONCE))
        while not self.end.is_set():
            with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as connection:
                connection.settimeout(PATIENCE_S)
                try:
                    while not self.end.is_set():
                        connection.sendall(data)
                        answer = connection.recv(1 << 20)
                        if not answer:
                            break
                        self.sent += AT_ONCE
                        self.answers |= set(statuses(answer))
                        time.sleep(PACE_S)
                except OSError:
                    continue  # the answer closes; a flooder comes back

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end.set()
        for thread in self.threads:
            thread.join()


def latencies(port: int, seconds: float) -> list[float]:
    """Send genuine requests one after the other; return how long each took, in seconds."""
    found: list[float] = []
    end = time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        connection.settimeout(PATIENCE_S)
        while time.monotonic() < end:
            began = time.perf_counter()
            connection.sendall(signed(b'{"id":"good-%d"}' % len(found)))
            answer = connection.recv(65_536)
            found.append(time.perf_counter() - began)
            assert statuses(answer) == [200]
            time.sleep(0.005)  # a steady sender, not a second flood
    return found


def p99(found: list[float]) -> float:
    return statistics.quantiles(found, n=100)[98]


@pytest.mark.parametrize("seconds", [3.0, pytest.param(30.0, marks=pytest.mark.long)])
def test_t08_genuine_requests_pass_while_bad_ones_flood(tmp_path, seconds):
    rates: list[float] = []

    def slowdown(agent: Served) -> float:
        quiet = p99(latencies(agent.port, 1.0))
        with Flood(agent.port) as flood:
            worst = p99(latencies(agent.port, seconds))
        rates.append(flood.sent / seconds)
        print(f"T8: {rates[-1]:.0f} bad/s: p99 of good {quiet * 1000:.1f} -> {worst * 1000:.1f} ms")
        assert flood.answers <= {403, 429}
        assert 429 in flood.answers
        return worst / max(0.25, 5 * quiet)  # a shared disk has slow moments of its own

    with serving(write_project(tmp_path)) as agent:
        before = memory(agent.process.pid)
        most = least(lambda: slowdown(agent), 1, tries=3)
        grown = memory(agent.process.pid) - before
        agent.stop()

    assert most < 1
    assert max(rates) > 300
    assert grown < 32 * 1024 * 1024


def test_t08_a_genuine_sender_at_the_flooders_own_address_is_never_held_up(tmp_path):
    project = write_project(tmp_path, server="failures_per_minute = 5")
    with serving(project) as agent:
        bad = [agent.post({"id": "x"}, secret="wrong")[0] for _ in range(10)]
        good = [agent.post({"id": str(n)})[0] for n in range(20)]
        agent.stop()

    assert bad == [403] * 5 + [429] * 5
    assert good == [200] * 20
