"""A simulated fleet: receivers, workers and a database that share work as the real ones do.

Discrete and seeded. A receiver is one core: it verifies each delivery, and hands what waits to its
connection, up to 512 to a commit. The database is some cores and one log: a commit takes a
core for as long as it costs, then waits for the log, which takes all that wait in one write. A
worker is one core as well: it is rung for at most ten times a second by each receiver, claims up to
256 events, oldest first, and claims on while any are left. What is simulated is the queueing; what
things cost was measured (costs.py). Left out: the load balancer, the actions' own time, and
whatever else uses the machines.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.costs import Costs

BATCH_MAX = 512
CLAIM_MAX = 256
LANES = 1
"""Connections that a receiver accepts over."""
GAP_S = 0.1
"""Between two rings of a receiver."""


@dataclass(frozen=True, slots=True)
class Machines:
    """What there is to work with."""

    receivers: int
    workers: int
    cores: int
    """Of the database."""
    flush_s: float = 0.001
    """One write of the log to a disk that keeps it."""
    trip_s: float = 0.0005
    """From a node to the database and back."""
    slowness: float = 1.0
    """How much longer CPU time takes than where it was measured."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What arrives: a day's curve in `seconds`, at its top a burst. Rates are of real seconds."""

    mean: float
    peak: float = 3.0
    """The burst's rate, in means."""
    swing: float = 0.6
    """How far the curve goes above and below the mean."""
    seconds: float = 20.0
    burst_s: float = 2.0

    def rate(self, at: float) -> float:
        """Return the rate at a moment."""
        middle = self.seconds * 0.25
        if abs(at - middle) < self.burst_s / 2:
            return self.mean * self.peak
        return self.mean * (1 + self.swing * math.sin(2 * math.pi * at / self.seconds))


def steady(rate: float, seconds: float) -> Traffic:
    """Return traffic whose rate does not change."""
    return Traffic(mean=rate, peak=1.0, swing=0.0, seconds=seconds)


@dataclass(slots=True)
class Outcome:
    """What came of it; seconds."""

    accepts: list[float] = field(default_factory=list)
    """From arrival to answer."""
    ends: list[float] = field(default_factory=list)
    """From arrival to the end of the run."""
    commits: int = 0
    waiting_max: int = 0
    """Events that were stored and not worked off, at most."""
    queued_max: int = 0
    """Deliveries that waited for a commit at one receiver, at most."""
    lasted: float = 0.0
    busy: dict[str, float] = field(default_factory=dict)
    """Seconds of CPU by kind of machine."""


class _Cores:
    """Some cores, first come first served."""

    def __init__(self, count: int) -> None:
        self._free = [0.0] * count
        self.used = 0.0

    def take(self, now: float, seconds: float) -> float:
        """Use a core; return when that ends."""
        end = max(now, heapq.heappop(self._free)) + seconds
        heapq.heappush(self._free, end)
        self.used += seconds
        return end


class _Receiver:
    def __init__(self) -> None:
        self.core = _Cores(1)
        self.queue: deque[float] = deque()
        self.lanes = LANES
        self.rings_at = -math.inf
        self.will_ring = False


class _Worker:
    def __init__(self) -> None:
        self.core = _Cores(1)
        self.is_idle = True


class Fleet:
    """One run of the simulation."""

    def __init__(
        self, machines: Machines, costs: Costs, traffic: Traffic, *, seed: int = 1
    ) -> None:
        self._machines = machines
        self._traffic = traffic
        self._chance = random.Random(seed)
        self._receivers = [_Receiver() for _ in range(machines.receivers)]
        self._workers = [_Worker() for _ in range(machines.workers)]
        self._cores = _Cores(machines.cores)
        self._heap: list[tuple[float, int, Callable[[float], None]]] = []
        self._count = 0
        self._unrouted: deque[float] = deque()
        self._flushing: list[Callable[[float], None]] = []
        self._is_flushing = False
        self._turn = 0
        self.outcome = Outcome()
        part = machines.slowness / 1e6
        self._receive = costs.receive * part
        self._receive_commit = costs.receive_commit * part
        self._work = costs.work * part
        self._work_commit = costs.work_commit * part
        self._store_event = costs.database * costs.accept_share * part
        self._work_event = costs.database * (1 - costs.accept_share) * part
        self._store_commit = costs.database_commit * part
        self._work_commits = max(round(costs.work_commits), 1)

    def run(self) -> Outcome:
        """Let everything arrive, and go on until all is worked off or it takes far too long."""
        self._at(self._next_arrival(0.0), self._arrive)
        now, limit = 0.0, 4 * self._traffic.seconds + 10
        while self._heap and now < limit:
            now, _, do = heapq.heappop(self._heap)
            do(now)
        outcome = self.outcome
        outcome.lasted = now
        outcome.busy = {
            "receivers": sum(one.core.used for one in self._receivers),
            "workers": sum(one.core.used for one in self._workers),
            "database": self._cores.used,
        }
        return outcome

    def _at(self, when: float, do: Callable[[float], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (when, self._count, do))

    def _next_arrival(self, now: float) -> float:
        """Thin a Poisson stream of the highest rate."""
        traffic = self._traffic
        most = traffic.mean * max(traffic.peak, 1 + traffic.swing)
        while True:
            now += self._chance.expovariate(most)
            if self._chance.random() * most < traffic.rate(now):
                return now

    def _arrive(self, now: float) -> None:
        following = self._next_arrival(now)
        if following < self._traffic.seconds:
            self._at(following, self._arrive)
        receiver = self._receivers[self._turn % len(self._receivers)]
        self._turn += 1
        verified = receiver.core.take(now, self._receive)

        def queue(then: float) -> None:
            receiver.queue.append(now)
            self.outcome.queued_max = max(self.outcome.queued_max, len(receiver.queue))
            self._commit(receiver, then)

        self._at(verified, queue)

    def _commit(self, receiver: _Receiver, now: float) -> None:
        """Let a free connection take what waits."""
        if not receiver.lanes or not receiver.queue:
            return
        receiver.lanes -= 1
        size = min(len(receiver.queue), BATCH_MAX)
        batch = [receiver.queue.popleft() for _ in range(size)]
        sent = receiver.core.take(now, self._receive_commit)

        def stored(then: float) -> None:
            self.outcome.commits += 1
            self.outcome.accepts += [then - arrived for arrived in batch]
            self._unrouted.extend(batch)
            self.outcome.waiting_max = max(self.outcome.waiting_max, len(self._unrouted))
            receiver.lanes += 1
            self._ring(receiver, then)
            self._commit(receiver, then)

        self._at(sent, lambda then: self._store(then, size * self._store_event, stored))

    def _store(self, now: float, seconds: float, done: Callable[[float], None]) -> None:
        """Run one commit: a trip, a core for as long as it costs, the log."""
        took = self._cores.take(now + self._machines.trip_s, seconds + self._store_commit)

        def flush(then: float) -> None:
            self._flushing.append(done)
            if not self._is_flushing:
                self._flush(then)

        self._at(took, flush)

    def _flush(self, now: float) -> None:
        waiting, self._flushing = self._flushing, []
        self._is_flushing = bool(waiting)
        if not waiting:
            return

        def flushed(then: float) -> None:
            for done in waiting:
                done(then)
            self._flush(then)

        self._at(now + self._machines.flush_s, flushed)

    def _ring(self, receiver: _Receiver, now: float) -> None:
        """Wake the workers, but not too often."""
        if receiver.will_ring:
            return
        receiver.will_ring = True
        at = max(now + self._machines.trip_s, receiver.rings_at + GAP_S)

        def rung(then: float) -> None:
            receiver.will_ring = False
            receiver.rings_at = then
            for worker in self._workers:
                if worker.is_idle:
                    self._claim(worker, then)

        self._at(at, rung)

    def _claim(self, worker: _Worker, now: float) -> None:
        """Take events and work them off, one commit after the other."""
        size = min(len(self._unrouted), CLAIM_MAX)
        worker.is_idle = not size
        if not size:
            return
        batch = [self._unrouted.popleft() for _ in range(size)]
        commits = self._work_commits

        def step(then: float, left: int) -> None:
            if left:
                done = worker.core.take(then, self._work_commit + size * self._work / commits)
                cost = size * self._work_event / commits
                self._at(done, lambda at: self._store(at, cost, lambda end: step(end, left - 1)))
                return
            self.outcome.ends += [then - arrived for arrived in batch]
            if size == CLAIM_MAX or self._unrouted:
                self._claim(worker, then)
            else:
                worker.is_idle = True

        step(now, commits)


def percentile(values: list[float], share: float) -> float:
    """Return the value that this share of all lies below; 0 where there are none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
