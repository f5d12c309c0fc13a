"""T12: slow, idle and many connections: everybody else is served, and they are gone in time."""

import selectors
import shutil
import socket
import statistics
import subprocess
import threading
import time

import pytest

from tests.patience import PATIENCE_S, least
from tests.security.raw import alive, signed, statuses, talk
from tests.security.resources import memory, open_files
from tests.whole.served import serving, write_project

pytestmark = pytest.mark.alone

HEADERS = b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\n"
BODY = HEADERS + b"Content-Length: 100000\r\n\r\n"
CHUNKS = HEADERS + b"Transfer-Encoding: chunked\r\n\r\n"
QUICK = 'read_timeout = "1s"\nkeepalive = "1s"\nfailures_per_minute = 1_000_000'


class Crowd:
    """Holds many connections and drips a few bytes into each now and then."""

    def __init__(self, port: int, start: bytes, drip: bytes, count: int) -> None:
        self.port, self.start, self.drip = port, start, drip
        self.count = count
        self.open: set[socket.socket] = set()

    def connect(self) -> None:
        for _ in range(self.count):
            one = socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)
            one.settimeout(0)
            self.open.add(one)
            try:
                one.send(self.start)
            except OSError:
                self.leave(one)

    def leave(self, one: socket.socket) -> None:
        self.open.discard(one)
        one.close()

    def step(self) -> None:
        """Drip once into each, and notice which were closed."""
        with selectors.DefaultSelector() as chosen:
            for one in self.open:
                chosen.register(one, selectors.EVENT_READ)
            for key, _ in chosen.select(0):
                self.hear(key.fileobj)
        for one in list(self.open):
            try:
                one.send(self.drip)
            except OSError:
                self.leave(one)

    def hear(self, one) -> None:
        try:
            if not one.recv(65_536):
                self.leave(one)
        except OSError:
            self.leave(one)

    def close(self) -> None:
        for one in list(self.open):
            self.leave(one)


def is_served(port: int, number: int) -> bool:
    """Whether a genuine sender with a small body gets its answer."""
    return statuses(talk(port, signed(b'{"id":"during-%d"}' % number))) == [200]


def gone_after(crowd: Crowd) -> float:
    """Let a crowd come, and a genuine sender meanwhile; return when the crowd was gone, in seconds."""
    crowd.connect()
    served: list[bool] = []
    began = time.monotonic()
    while crowd.open and time.monotonic() - began < PATIENCE_S:
        served.append(is_served(crowd.port, len(served)))
        crowd.step()
        time.sleep(0.2)  # the drip
    took = time.monotonic() - began
    left = len(crowd.open)
    crowd.close()
    print(f"T12: gone after {took:.1f} s, {served.count(True)} of {len(served)} served")
    assert left == 0, f"{left} are still there after {took:.1f} s"
    assert all(served), f"{served.count(False)} of {len(served)} were not served"
    return took


@pytest.mark.parametrize(
    ("start", "drip"),
    [
        pytest.param(HEADERS, b"X-A: 1\r\n", id="headers"),
        pytest.param(BODY, b"x", id="body"),
        pytest.param(CHUNKS, b"1\r\nx\r\n", id="chunks"),
        pytest.param(b"", b"", id="silence"),
        pytest.param(b"POST", b"", id="half a word"),
    ],
)
@pytest.mark.parametrize("count", [400, pytest.param(1_000, marks=pytest.mark.long)])
def test_t12_a_slow_crowd_keeps_nobody_out_and_is_gone_in_time(tmp_path, start, drip, count):
    with serving(write_project(tmp_path, server=QUICK)) as agent:
        before = memory(agent.process.pid)
        took = least(lambda: gone_after(Crowd(agent.port, start, drip, count)), 8, tries=3)
        grown = memory(agent.process.pid) - before
        agent.stop()

    print(f"T12: {count} of {start[:30]!r}: memory +{grown / 1024**2:.1f} MiB")
    assert took < 8
    assert grown < 32 * 1024 * 1024


@pytest.mark.parametrize("count", [1_000, pytest.param(4_000, marks=pytest.mark.long)])
def test_t12_half_open_requests_stay_within_memory_and_files(tmp_path, count):
    half = HEADERS + b"X-Pad: " + b"y" * 8_000
    with serving(write_project(tmp_path, server=QUICK)) as agent:
        crowds = [Crowd(agent.port, half, b"", count // 4) for _ in range(4)]
        for crowd in crowds:
            crowd.connect()
            assert is_served(agent.port, crowds.index(crowd))
            crowd.step()
        print(f"T12: {count} half open: {memory(agent.process.pid) / 1024**2:.0f} MiB")
        assert memory(agent.process.pid) < 150 * 1024 * 1024
        assert open_files(agent.process.pid) < 700
        for crowd in crowds:
            crowd.close()
        agent.stop()


def waits_beside(port: int) -> list[float]:
    """Send many small chunks and a long pipe; return how long others waited meanwhile, in seconds."""
    chunks = CHUNKS + b"1\r\nx\r\n" * 200_000
    pipe = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" * 1_000
    waits: list[float] = []
    end = threading.Event()

    def watch() -> None:
        while not end.is_set():
            began = time.perf_counter()
            if alive(port):
                waits.append(time.perf_counter() - began)

    watcher = threading.Thread(target=watch)
    watcher.start()
    talk(port, chunks, wait_s=1)
    answers = 0
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        sender = threading.Thread(target=connection.sendall, args=(pipe,))
        sender.start()
        while answers < 1_000 and (part := connection.recv(1 << 20)):
            answers += part.count(b"HTTP/1.1 404")
        sender.join()
    end.set()
    watcher.join()
    assert answers == 1_000
    return waits


def test_t12_many_small_chunks_and_a_long_pipe_stall_nobody(shop):
    rounds: list[list[float]] = []

    def worst() -> float:
        rounds.append(waits_beside(shop.port))
        print(f"T12: chunks and pipe: worst wait of others {max(rounds[-1]) * 1000:.0f} ms")
        return max(rounds[-1])

    assert least(worst, 1, tries=5) < 1
    assert min(statistics.median(waits) for waits in rounds) < 0.05


@pytest.mark.long
@pytest.mark.skipif(shutil.which("slowhttptest") is None, reason="slowhttptest is not installed")
@pytest.mark.parametrize("kind", ["-H", "-B", "-X"])
def test_t12_slowhttptest_finds_the_service_available(tmp_path, kind):
    with serving(write_project(tmp_path)) as agent:
        done = subprocess.run(
            ["slowhttptest", kind, "-c", "400", "-r", "200", "-l", "40", "-i", "1", "-p", "3",
             "-u", f"http://127.0.0.1:{agent.port}/hooks/shop"],
            capture_output=True, timeout=90, check=False, text=True,
        )  # fmt: skip
        agent.stop()

    assert "service available:   YES" in done.stdout
