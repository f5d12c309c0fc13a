"""T12: slow, idle and many connections: everybody else is served, and they are gone in time."""

import selectors
import shutil
import socket
import subprocess
import threading
import time

import pytest

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
            one = socket.create_connection(("127.0.0.1", self.port), 5)
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
        crowd = Crowd(agent.port, start, drip, count)
        crowd.connect()
        served: list[bool] = []
        began = time.monotonic()
        while crowd.open and time.monotonic() - began < 20:
            served.append(is_served(agent.port, len(served)))
            crowd.step()
            time.sleep(0.2)  # the drip
        took = time.monotonic() - began
        left = len(crowd.open)
        crowd.close()
        grown = memory(agent.process.pid) - before
        agent.stop()

    print(
        f"T12: {count} of {start[:30]!r}: gone after {took:.1f} s,"
        f" {served.count(True)} of {len(served)} served, memory +{grown / 1024**2:.1f} MiB"
    )
    assert left == 0, f"{left} are still there after {took:.1f} s"
    assert all(served), f"{served.count(False)} of {len(served)} were not served"
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


def test_t12_many_small_chunks_and_a_long_pipe_stall_nobody(shop):
    chunks = CHUNKS + b"1\r\nx\r\n" * 200_000
    pipe = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" * 1_000
    waits: list[float] = []
    end = threading.Event()

    def watch() -> None:
        while not end.is_set():
            waits.append(alive(shop.port))

    watcher = threading.Thread(target=watch)
    watcher.start()
    talk(shop.port, chunks, wait_s=1)
    answers = 0
    with socket.create_connection(("127.0.0.1", shop.port), 5) as connection:
        sender = threading.Thread(target=connection.sendall, args=(pipe,))
        sender.start()
        connection.settimeout(5)
        while answers < 1_000 and (part := connection.recv(1 << 20)):
            answers += part.count(b"HTTP/1.1 404")
        sender.join()
    end.set()
    watcher.join()

    print(f"T12: chunks and pipe: worst wait of others {max(waits) * 1000:.0f} ms")
    assert answers == 1_000
    assert max(waits) < 1
    assert sorted(waits)[len(waits) // 2] < 0.05


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
