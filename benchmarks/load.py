"""A load generator for signed webhooks: closed loop for throughput, open loop for latency.

Closed: each of N connections sends the next delivery when the last was answered. Open: deliveries
leave at planned times whatever the server does, and each latency counts from the planned time, so
that a server that stalls is not asked less for it. Run as a process of its own, on another core
than the server:

    python -m benchmarks.load --port 8787 --path /hooks/bench --secret S --seconds 4 [--rate R]

Prints one JSON object. One thread and one `epoll`: some 15 microseconds of CPU a request. Sends to
127.0.0.1 only, opens connections anew where a server closes them, and stops by itself whatever the
server does.
"""

import argparse
import errno
import json
import math
import select
import socket
import sys
import time
from array import array
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from benchmarks.deliveries import HOST, deliveries
from benchmarks.framing import Malformed, first_answer

RECEIVE_BYTES = 64 * 1024
ANSWER_S = 10.0
"""A delivery that is not answered by then has failed."""
REST_S = 0.01
"""How long a connection waits after a failure, so that a dead server is not hammered."""
SWEEP_S = 0.5
"""How often deliveries that wait too long are looked for."""
LAST_S = 600.0
"""No load is longer than this."""

IN, OUT = select.EPOLLIN, select.EPOLLOUT
_connect_begun = {0, errno.EINPROGRESS, errno.EWOULDBLOCK}


class Arrivals(Protocol):
    """When deliveries are due."""

    def take(self, now: float) -> float | None:
        """Return when the next delivery was due and count it as sent, or None if none is due."""

    def next_at(self, now: float) -> float:
        """Return when the next one falls due; infinity after the last."""


class Closed:
    """A delivery is due whenever a connection is free: for a time, or so many."""

    def __init__(self, start: float, seconds: float, count: int) -> None:
        self._until = start + seconds
        self._left = count

    def take(self, now: float) -> float | None:
        """Return now, unless the time is up or all were sent."""
        if self._left <= 0 or now >= self._until:
            return None
        self._left -= 1
        return now

    def next_at(self, now: float) -> float:
        """Return now, or infinity at the end."""
        return now if self._left > 0 and now < self._until else math.inf


class Open:
    """A fixed rate of arrivals: the first at the start, then one every `1 / rate` seconds."""

    def __init__(self, start: float, rate: float, count: int) -> None:
        self._start = start
        self._rate = rate
        self._count = count
        self._sent = 0

    def take(self, now: float) -> float | None:
        """Return the planned time of the next arrival if it has come."""
        planned = self.next_at(now)
        if planned > now:
            return None
        self._sent += 1
        return planned

    def next_at(self, now: float) -> float:  # noqa: ARG002 - the protocol's
        """Return the next planned time."""
        if self._sent >= self._count:
            return math.inf
        return self._start + self._sent / self._rate


@dataclass(slots=True)
class Tally:
    """What came of a load."""

    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    """Deliveries without an answer, by what went wrong."""
    connects: int = 0
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    ended_at: float = 0.0


@dataclass(slots=True, eq=False)
class Line:
    """One connection, or the place of one."""

    wire: socket.socket | None = None
    request: bytes = b""
    planned: float = 0.0
    sent_at: float = 0.0
    received: bytes = b""
    unsent: bytes = b""
    is_open: bool = False
    is_reused: bool = False


class Load:
    """Sends deliveries over a fixed number of connections."""

    def __init__(
        self,
        port: int,
        connections: int,
        arrivals: Arrivals,
        made: Iterator[bytes],
        *,
        answer_s: float = ANSWER_S,
    ) -> None:
        self.tally = Tally()
        self._answer_s = answer_s
        self._port = port
        self._arrivals = arrivals
        self._made = made
        self._epoll = select.epoll()
        self._lines: dict[int, Line] = {}
        self._free: deque[Line] = deque(Line() for _ in range(connections))
        self._resting: deque[tuple[float, Line]] = deque()
        self._busy: set[Line] = set()

    def run(self) -> None:
        """Send until no more is due and everything was answered or given up."""
        swept = time.perf_counter()
        last = swept + LAST_S
        while (now := time.perf_counter()) < last:
            while self._resting and self._resting[0][0] <= now:
                self._free.append(self._resting.popleft()[1])
            self._send_due(now)
            if now - swept > SWEEP_S:
                swept = now
                self._give_up(now)
            next_at = self._arrivals.next_at(now)
            if not self._busy and next_at == math.inf:
                break
            self._wait(self._until(next_at, swept) - now)
        for line in list(self._lines.values()):
            self._close(line)
        self._epoll.close()

    def _until(self, next_at: float, swept: float) -> float:
        """Return when to look again if nothing comes before."""
        until = swept + SWEEP_S
        if self._free:
            until = min(until, next_at)
        if self._resting:
            until = min(until, self._resting[0][0])
        return until

    def _wait(self, seconds: float) -> None:
        """Hear what came; waits by `select`, as `epoll` knows nothing shorter than 1 ms."""
        events = self._epoll.poll(0)
        if not events and seconds > 0:
            select.select([self._epoll], [], [], seconds)
            events = self._epoll.poll(0)
        for number, event in events:
            line = self._lines.get(number)
            if line is None:
                continue
            if event & OUT:
                self._writable(line)
            if event & ~OUT and line.wire is not None:
                self._readable(line)

    def _send_due(self, now: float) -> None:
        free, take = self._free, self._arrivals.take
        while free and (planned := take(now)) is not None:
            self._begin(free.popleft(), planned)

    def _begin(self, line: Line, planned: float) -> None:
        """Send a delivery on a free connection."""
        line.request = next(self._made)
        line.planned = planned
        line.sent_at = time.perf_counter()
        self._busy.add(line)
        self._attempt(line)

    def _attempt(self, line: Line) -> None:
        line.received = b""
        line.unsent = line.request
        if line.wire is None:
            self._connect(line)
        elif line.is_open:
            self._write(line)

    def _connect(self, line: Line) -> None:
        line.wire = made = socket.socket()
        made.setblocking(False)  # noqa: FBT003 - the library's
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.is_open = line.is_reused = False
        self.tally.connects += 1
        self._lines[made.fileno()] = line
        self._epoll.register(made.fileno(), IN | OUT)
        if made.connect_ex((HOST, self._port)) not in _connect_begun:
            self._failed(line, "connect")

    def _writable(self, line: Line) -> None:
        assert line.wire is not None
        if not line.is_open:
            if line.wire.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._failed(line, "connect")
                return
            line.is_open = True
        self._write(line)

    def _write(self, line: Line) -> None:
        assert line.wire is not None
        is_first = line.unsent is line.request and line.is_reused
        try:
            sent = line.wire.send(line.unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._lost(line)
            return
        line.unsent = line.unsent[sent:]
        if not is_first or line.unsent:  # a reused connection is already watched for answers only
            self._epoll.modify(line.wire.fileno(), IN | OUT if line.unsent else IN)

    def _readable(self, line: Line) -> None:
        assert line.wire is not None
        try:
            data = line.wire.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._lost(line)
            return
        if line not in self._busy:  # closed while idle, or something nobody asked for
            self._close(line)
            return
        line.received = line.received + data if line.received else data
        try:
            answer = first_answer(line.received, is_ended=not data)
        except Malformed:
            self._failed(line, "malformed")
            return
        if answer is not None:
            keeps = answer.keeps and bool(data) and not line.unsent
            self._answered(line, answer.status, keeps=keeps)
        elif not data:
            self._lost(line)

    def _answered(self, line: Line, status: int, *, keeps: bool) -> None:
        now = time.perf_counter()
        tally = self.tally
        tally.statuses[status] += 1
        tally.latencies.append(now - line.planned)
        tally.ended_at = now
        if keeps:
            line.is_reused = True
        else:
            self._close(line)
        planned = None if self._free else self._arrivals.take(now)
        if planned is None:
            self._busy.discard(line)
            self._free.append(line)
        else:
            self._begin(line, planned)

    def _lost(self, line: Line) -> None:
        """Hear that a connection ended without an answer.

        A server may close an idle connection just when the next delivery leaves; every client
        sends such a one again, once.
        """
        is_unlucky = line.is_reused and not line.received and line in self._busy
        self._close(line)
        if is_unlucky:
            self._attempt(line)
        elif line in self._busy:
            self._failed(line, "cut off")

    def _failed(self, line: Line, why: str) -> None:
        self.tally.errors[why] += 1
        self._close(line)
        self._busy.discard(line)
        self._resting.append((time.perf_counter() + REST_S, line))

    def _give_up(self, now: float) -> None:
        for line in [one for one in self._busy if now - one.sent_at > self._answer_s]:
            self._failed(line, "no answer")

    def _close(self, line: Line) -> None:
        if line.wire is not None:
            del self._lines[line.wire.fileno()]
            line.wire.close()
        line.wire = None
        line.is_open = line.is_reused = False


def percentile(sorted_values: list[float], share: float) -> float:
    """Return the value below which that share of them lies; 0 where there are none."""
    if not sorted_values:
        return 0.0
    return sorted_values[min(int(len(sorted_values) * share), len(sorted_values) - 1)]


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Send the load and say what came of it."""
    made = deliveries(port=args.port, path=args.path, secret=args.secret, size=args.size)
    cpu = time.process_time()
    start = time.perf_counter()
    arrivals: Arrivals
    if args.rate:
        arrivals = Open(start, args.rate, args.count or round(args.rate * args.seconds))
    else:
        seconds = LAST_S if args.count else args.seconds
        arrivals = Closed(start, seconds, args.count or sys.maxsize)
    load = Load(args.port, args.connections, arrivals, made)
    load.run()
    tally = load.tally
    took = (tally.ended_at or time.perf_counter()) - start
    latencies = sorted(tally.latencies)
    requests = len(latencies)
    return {
        "requests": requests,
        "seconds": took,
        "per_second": requests / took,
        "p50_ms": percentile(latencies, 0.5) * 1000,
        "p99_ms": percentile(latencies, 0.99) * 1000,
        "p999_ms": percentile(latencies, 0.999) * 1000,
        "max_ms": percentile(latencies, 1) * 1000,
        "statuses": dict(tally.statuses),
        "errors": dict(tally.errors),
        "connects": tally.connects,
        "own_cpu_us": (time.process_time() - cpu) * 1e6 / max(requests, 1),
    }


def main() -> None:
    """Read the command line, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/hooks/bench")
    parser.add_argument("--secret", default="")
    parser.add_argument("--size", type=int, default=1024, help="bytes of a body")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--count", type=int, default=0, help="exactly so many, however long")
    parser.add_argument("--rate", type=float, default=0.0, help="open loop at this rate")
    print(json.dumps(measure(parser.parse_args())))


if __name__ == "__main__":
    main()
