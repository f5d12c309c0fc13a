"""A load generator for signed webhooks: closed loop for throughput, open loop for latency.

Every request is made before the clock starts (a body of its own, signed), so that the generator
costs little while it measures. Run as a process of its own, on another core than the server:

    python -m benchmarks.load --port 8787 --path /hooks/bench --secret S --seconds 4

Prints one JSON object. Sends to 127.0.0.1 only, and stops by itself.
"""

import argparse
import asyncio
import hmac
import json
import random
import time
from collections.abc import Iterator
from hashlib import sha256
from typing import cast

HOST = "127.0.0.1"


def requests(  # noqa: PLR0913 - the shape of the load
    count: int, *, port: int, path: str, secret: str, size: int, first: int = 0
) -> list[bytes]:
    """Make signed requests with bodies of their own, `size` bytes each."""
    key = secret.encode()
    filler = json.dumps({"sender": {"login": "ada"}, "repository": {"full_name": "ada/engine"}})
    salt = random.getrandbits(48)
    made = []
    for number in range(first, first + count):
        start = f'{{"id":"{salt:x}-{number}","type":"bench.event","action":"opened",'
        rest = f'"data":{filler},"padding":"'
        body = (start + rest + "x" * (size - len(start) - len(rest) - 2) + '"}').encode()
        signature = hmac.new(key, body, sha256).hexdigest()
        made.append(
            (
                f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nUser-Agent: bench/1\r\n"
                "Accept: */*\r\nContent-Type: application/json\r\n"
                f"X-Bench-Signature: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
            ).encode()
            + body
        )
    return made


class Sender(asyncio.Protocol):
    """One keep-alive connection that sends the next request when the last was answered."""

    def __init__(self, load: "Closed") -> None:
        self.load = load
        self.transport: asyncio.WriteTransport | None = None
        self.buffer = b""
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)  # uvloop's is no subclass
        self.next()

    def next(self) -> None:
        """Send one more, unless the time is up."""
        request = self.load.take()
        assert self.transport is not None
        if request is None:
            self.transport.close()
            return
        self.sent_at = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        status = whole_answer(self.buffer)
        if status is None:
            return
        self.buffer = b""
        self.load.answered(status, time.perf_counter() - self.sent_at)
        self.next()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.load.lost()


def whole_answer(data: bytes) -> int | None:
    """Return the status when a whole response with Content-Length has come."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[:end].lower()
    at = head.find(b"content-length:")
    length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    return int(data[9:12]) if len(data) >= end + 4 + length else None


class Closed:
    """As fast as the server answers, over a fixed number of connections."""

    def __init__(self, made: list[bytes], seconds: float) -> None:
        self._made: Iterator[bytes] = iter(made)
        self._until = time.perf_counter() + seconds
        self._open = 0
        self.statuses: dict[int, int] = {}
        self.latencies: list[float] = []
        self.done = asyncio.Event()
        self.exhausted = False
        self.ended_at = 0.0

    def take(self) -> bytes | None:
        """Return the next request, or None at the end."""
        if time.perf_counter() >= self._until:
            return None
        request = next(self._made, None)
        self.exhausted = self.exhausted or request is None
        return request

    def answered(self, status: int, seconds: float) -> None:
        """Note one answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.latencies.append(seconds)
        self.ended_at = time.perf_counter()

    def lost(self) -> None:
        """Note a connection's end."""
        self._open -= 1
        if self._open <= 0:
            self.done.set()

    async def run(self, port: int, connections: int) -> float:
        """Send until the time is up; return the seconds it took."""
        self._open = connections
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        await asyncio.gather(
            *(loop.create_connection(lambda: Sender(self), HOST, port) for _ in range(connections))
        )
        await self.done.wait()
        return self.ended_at - started


class Planned(asyncio.Protocol):
    """One connection of the open loop: sends when told, pipelining if it must."""

    def __init__(self, load: "Open") -> None:
        self.load = load
        self.transport: asyncio.WriteTransport | None = None
        self.buffer = b""
        self.planned: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)  # uvloop's is no subclass

    def send(self, request: bytes, planned: float) -> None:
        """Send a request that was due at `planned`."""
        assert self.transport is not None
        self.planned.append(planned)
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (status := whole_answer(self.buffer)) is not None:
            end = self.buffer.find(b"\r\n\r\n") + 4
            head = self.buffer[:end].lower()
            length = int(head[head.find(b"content-length:") + 15 :].split(b"\r\n", 1)[0])
            self.buffer = self.buffer[end + length :]
            self.load.answered(status, time.perf_counter() - self.planned.pop(0))


class Open:
    """A fixed rate of arrivals, whatever the server does; latency from the planned time."""

    def __init__(self, made: list[bytes], rate: float) -> None:
        self._made = made
        self._rate = rate
        self.statuses: dict[int, int] = {}
        self.latencies: list[float] = []

    def answered(self, status: int, seconds: float) -> None:
        """Note one answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.latencies.append(seconds)

    async def run(self, port: int, connections: int) -> float:
        """Send everything at its time; return the seconds it took."""
        loop = asyncio.get_running_loop()
        pairs = await asyncio.gather(
            *(loop.create_connection(lambda: Planned(self), HOST, port) for _ in range(connections))
        )
        lines = [protocol for _, protocol in pairs]
        started = time.perf_counter()
        sent = 0
        while sent < len(self._made):
            due = min(int((time.perf_counter() - started) * self._rate), len(self._made))
            for number in range(sent, due):
                lines[number % connections].send(self._made[number], started + number / self._rate)
            sent = due
            await asyncio.sleep(0.0005)
        deadline = time.perf_counter() + 5
        while len(self.latencies) < len(self._made) and time.perf_counter() < deadline:  # noqa: ASYNC110 - answers are counted, not awaited
            await asyncio.sleep(0.01)
        for transport, _ in pairs:
            transport.close()
        return time.perf_counter() - started


def percentile(sorted_values: list[float], share: float) -> float:
    """Return the value below which that share of them lies."""
    if not sorted_values:
        return 0.0
    return sorted_values[min(int(len(sorted_values) * share), len(sorted_values) - 1)]


async def measure(args: argparse.Namespace) -> dict[str, object]:
    """Make the load, send it, and say what came of it."""
    count = args.count or int(args.seconds * (args.rate or args.at_most))
    made = requests(count, port=args.port, path=args.path, secret=args.secret, size=args.size)
    load: Open | Closed = Open(made, args.rate) if args.rate else Closed(made, args.seconds)
    took = await load.run(args.port, args.connections)
    latencies = sorted(load.latencies)
    return {
        "requests": len(latencies),
        "seconds": took,
        "per_second": len(latencies) / took if took else 0.0,
        "p50_ms": percentile(latencies, 0.5) * 1000,
        "p99_ms": percentile(latencies, 0.99) * 1000,
        "p999_ms": percentile(latencies, 0.999) * 1000,
        "statuses": load.statuses,
        "exhausted": isinstance(load, Closed) and load.exhausted,
    }


def main() -> None:
    """Read the command line, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/hooks/bench")
    parser.add_argument("--secret", default="")
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--at-most", type=float, default=45_000, help="requests made per second")
    parser.add_argument("--count", type=int, default=0, help="exactly so many, however long")
    parser.add_argument("--rate", type=float, default=0.0, help="open loop at this rate")
    args = parser.parse_args()
    if args.count and not args.rate:
        args.seconds = 600.0
    try:
        import uvloop

        result = uvloop.run(measure(args))
    except ImportError:
        result = asyncio.run(measure(args))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
