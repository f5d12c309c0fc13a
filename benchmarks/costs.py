"""What an event costs each part of a fleet: CPU, bytes of log and tables, connections, network.

One receiver and one worker on a durable PostgreSQL of its own, in three states: idle; at a rate at
which nearly every event has a commit of its own; and with many connections at once, where commits
are shared, first accepting while the worker is frozen, then working off the heap. Two equations
give the cost of an event and that of a commit. CPU time is read from /proc, so that others on the
machine change it little; bytes are exact.
"""

import argparse
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from benchmarks.pipeline import rules
from benchmarks.scale import Database, Nodes, load, nodes, schema
from tests.store.postgres.cluster import own_cluster

LIGHT_RATE = 15.0
DRAIN_S = 240.0
SETTLE_S = 3.0
CONNECTIONS = 64
_BYTES = re.compile(r"bytes_(?:sent|received):(\d+)")


@dataclass(frozen=True, slots=True)
class Costs:
    """Measured; microseconds of CPU unless said otherwise."""

    receive: float
    """Of a receiver, an event."""
    receive_commit: float
    """Of a receiver, a commit of events."""
    work: float
    """Of a worker, an event that fires one rule of ten, with one `log` step."""
    work_commit: float
    """Of a worker, a commit of whatever."""
    database: float
    """Of all processes of PostgreSQL, an event from its arrival to its last run."""
    database_commit: float
    """Of all processes of PostgreSQL, a commit of whatever."""
    accept_share: float
    """The part of the database's cost of an event that falls to its arrival."""
    work_commits: float
    """Commits of a worker for an event, where each event comes alone."""
    idle_node: float
    """Of a node that has nothing to do, a second."""
    idle_database: float
    """Of the database, a second and node."""
    log_bytes: float
    """Of write-ahead log, an event, where commits are shared."""
    log_bytes_light: float
    """The same where each event has a commit of its own."""
    table_bytes: float
    """Of tables and indexes, an event with its run."""
    network_bytes: float
    """Between the nodes and the database, an event, both ways, where commits are shared."""
    connections_receiver: float
    connections_worker: float


@dataclass(frozen=True, slots=True)
class Spent:
    """Counters at one moment, or what they rose by."""

    seconds: float
    receiver: float
    worker: float
    database: float
    log: float
    commits: float
    arrivals: float
    """Commits of events."""
    events: float
    tables: float
    network: float

    def since(self, before: "Spent") -> "Spent":
        """Return what was spent since then."""
        return Spent(*(getattr(self, one.name) - getattr(before, one.name) for one in fields(self)))

    def beyond(self, idle: "Spent") -> "Spent":
        """Return what was spent beyond what idle nodes spend in that time."""
        part = self.seconds / idle.seconds
        kept = {"seconds", "events", "arrivals", "tables"}
        return Spent(
            **{
                name: value if name in kept else max(value - getattr(idle, name) * part, 0.0)
                for name, value in asdict(self).items()
            }
        )


class Fleet:
    """A receiver and a worker, and what they have spent."""

    def __init__(self, made: Nodes, database: Database, name: str, port: str) -> None:
        self._receiver, self._worker = (process.pid for process in made.processes)
        self._database = database
        self._name = name
        self._port = port

    def spent(self) -> Spent:
        """Read all counters."""
        one, name = self._database.one, self._name
        return Spent(
            seconds=time.monotonic(),
            receiver=_cpu_s(self._receiver),
            worker=_cpu_s(self._worker),
            database=self._database.cpu_s(),
            log=self._database.log_bytes(),
            commits=one("SELECT txid_snapshot_xmax(txid_current_snapshot())"),
            arrivals=one(f"SELECT count(DISTINCT seq >> 10) FROM {name}.events"),
            events=one(f"SELECT count(*) FROM {name}.events"),
            tables=one(_TABLES.format(name=name)),
            network=sum(
                int(found)
                for pid in (self._receiver, self._worker)
                for line in self._sockets(pid)
                for found in _BYTES.findall(line)
            ),
        )

    def during(self, do: Callable[[], object]) -> Spent:
        """Return what was spent until everything that came of it is over."""
        before = self.spent()
        do()
        self.drain()
        return self.spent().since(before)

    def drain(self) -> None:
        """Wait until every run is over."""
        give_up_at = time.monotonic() + DRAIN_S
        while self._database.one(_LEFT.format(name=self._name)):
            if time.monotonic() > give_up_at:
                raise SystemExit("not worked off")
            time.sleep(0.2)

    @contextmanager
    def frozen_worker(self) -> Iterator[None]:
        """Hold the worker still."""
        os.kill(self._worker, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._worker, signal.SIGCONT)

    def connections(self) -> tuple[int, int]:
        """Return how many connections to the database the receiver and the worker have."""
        return len(self._sockets(self._receiver)), len(self._sockets(self._worker))

    def _sockets(self, pid: int) -> list[str]:
        """Return what `ss` says of a process's connections to the database."""
        given = ["ss", "-tinpOH", f"dport = :{self._port}"]
        done = subprocess.run(given, capture_output=True, text=True, check=True)
        return [line for line in done.stdout.splitlines() if f"pid={pid}," in line]


_TABLES = """
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::int8 FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = '{name}' AND c.relkind = 'r'
"""
_LEFT = """
    SELECT (SELECT count(*) FROM {name}.unrouted)
        + (SELECT count(*) FROM {name}.runs WHERE wake_at IS NOT NULL)
"""


def measure(database: Database, size: int, args: argparse.Namespace) -> Costs:
    """Measure the costs of events whose body has this size."""
    with schema(database) as url, nodes(url, rules()) as made:
        made.receiver("receive")
        made.worker()
        port = database.url.rpartition(":")[2].partition("/")[0]
        fleet = Fleet(made, database, url.rpartition("=")[2], port)
        load(made.ports, 16, seconds=2.0, size=size)
        fleet.drain()
        time.sleep(SETTLE_S)
        idle = fleet.during(lambda: time.sleep(args.idle))
        light = fleet.during(
            lambda: load(made.ports, 16, rate=LIGHT_RATE, seconds=args.light, size=size)
        )
        before = fleet.spent()
        with fleet.frozen_worker():
            load(made.ports, CONNECTIONS, count=args.events, size=size, seconds=DRAIN_S)
            accepted = fleet.spent()
        fleet.drain()
        after = fleet.spent()
        held = fleet.connections()
    return solve(
        light=light.beyond(idle),
        accepting=accepted.since(before).beyond(idle),
        busy=after.since(before).beyond(idle),
        idle=idle,
        held=held,
    )


def solve(
    *, light: Spent, accepting: Spent, busy: Spent, idle: Spent, held: tuple[int, int]
) -> Costs:
    """Tell the cost of an event from that of a commit."""
    rest = (light.commits - light.arrivals, busy.commits - busy.arrivals)
    receive, receive_commit = _two(
        (light.events, light.arrivals, light.receiver),
        (busy.events, busy.arrivals, busy.receiver),
    )
    work, work_commit = _two(
        (light.events, rest[0], light.worker), (busy.events, rest[1], busy.worker)
    )
    database, database_commit = _two(
        (light.events, light.commits, light.database), (busy.events, busy.commits, busy.database)
    )
    return Costs(
        receive=receive * 1e6,
        receive_commit=receive_commit * 1e6,
        work=work * 1e6,
        work_commit=work_commit * 1e6,
        database=database * 1e6,
        database_commit=database_commit * 1e6,
        accept_share=accepting.database / busy.database,
        work_commits=rest[0] / light.events,
        idle_node=(idle.receiver + idle.worker) / 2 / idle.seconds * 1e6,
        idle_database=idle.database / 2 / idle.seconds * 1e6,
        log_bytes=busy.log / busy.events,
        log_bytes_light=light.log / light.events,
        table_bytes=busy.tables / busy.events,
        network_bytes=busy.network / busy.events,
        connections_receiver=held[0],
        connections_worker=held[1],
    )


def _two(
    first: tuple[float, float, float], second: tuple[float, float, float]
) -> tuple[float, float]:
    """Solve `each · events + commit · commits = spent` twice; below nothing is nothing."""
    (e1, c1, t1), (e2, c2, t2) = first, second
    determinant = e1 * c2 - e2 * c1
    each = (t1 * c2 - t2 * c1) / determinant
    commit = (e1 * t2 - e2 * t1) / determinant
    if each < 0:
        return 0.0, t1 / c1
    if commit < 0:
        return t2 / e2, 0.0
    return each, commit


def _cpu_s(pid: int) -> float:
    found = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    return (int(found[11]) + int(found[12])) / os.sysconf("SC_CLK_TCK")


def measured(sizes: Iterable[int], args: argparse.Namespace) -> dict[int, Costs]:
    """Measure for each size of body, on a cluster of its own."""
    with own_cluster(is_durable=True) as cluster:
        database = Database(cluster.url)
        try:
            return {size: measure(database, size, args) for size in sizes}
        finally:
            database.close()
