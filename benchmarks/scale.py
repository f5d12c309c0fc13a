"""`python -m benchmarks scale`: PostgreSQL beside SQLite and beside an INSERT per request.

Accepting: SQLite, the plain application, and PostgreSQL with one and two receivers, which take
turns round by round. Working: how fast one to four workers end the runs of one receiver's events.
What counts are ratios of medians, and costs: CPU time of the nodes and of the database, bytes of
log, all per event. Every process may use every core; the database is a cluster of its own.

`slow-1` and `slow-2` are receivers that may run for a part of the time only, as if each had a small
machine of its own: what two of them accept together tells whether they are in each other's way, on
a machine whose cores are all busy with one.
"""

import argparse
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from benchmarks.pipeline import rules
from benchmarks.servers import CONFIG, HERE, PATH, free_port
from tests.store.postgres.cluster import own_cluster

SECRET = "bench-secret-0123456789abcdef"
START_S = 30.0
WARM_UP_S = 1.0
PERIOD_S = 0.04
DRAIN_S = 180.0
LOOK_S = 0.05
LOAD_S = 300.0
Row = dict[str, float]


class Database:
    """The cluster, and what it has spent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = psycopg.connect(url, autocommit=True)
        backend = Path(f"/proc/{self._connection.info.backend_pid}/stat").read_text("ascii")
        self._postmaster = int(backend.rpartition(")")[2].split()[1])

    def cpu_s(self) -> float:
        """Return the CPU time of all its processes, those that ended included."""
        spent = sum(_spent(pid) for pid in _children(self._postmaster))
        return spent + _spent(self._postmaster, with_children=True)

    def log_bytes(self) -> int:
        """Return how many bytes of write-ahead log there were so far."""
        row = self._connection.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
        return int(row[0]) if row else 0

    def one(self, query: str) -> int:
        """Return one number."""
        row = self._connection.execute(query.encode()).fetchone()
        return int(row[0]) if row else 0

    def drop(self, schema: str) -> None:
        """Forget a schema, and end what its tables cost in the background."""
        self._connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
        self._connection.execute("CHECKPOINT")

    def close(self) -> None:
        """Let go."""
        self._connection.close()


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text("ascii", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(entry.parent.name))
    return found


def _spent(pid: int, *, with_children: bool = False) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    ticks = sum(int(field) for field in fields[11 : 15 if with_children else 13])
    return ticks / os.sysconf("SC_CLK_TCK")


class Nodes:
    """Processes of one store, and the folder of their configuration."""

    def __init__(self, folder: Path, url: str, text: str = "") -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self.ports: list[int] = []
        self._url = url
        self._folder = folder
        self._config = folder / "hookagent.toml"
        self._config.write_text(CONFIG.format(secret=SECRET))
        self._config.chmod(0o600)
        if text:
            (folder / "rules").mkdir()
            (folder / "rules" / "bench.toml").write_text(text)

    def receiver(self, role: str) -> None:
        """Start a receiver."""
        port = free_port()
        self.ports.append(port)
        arguments = ["--port", str(port), "--no-inspector", "--role", role]
        self._start("serve", *arguments)
        self._wait_for(port)

    def worker(self) -> None:
        """Start a worker."""
        self._start("work")

    def plain(self) -> None:
        """Start the plain application."""
        port = free_port()
        self.ports.append(port)
        self._run("-m", "benchmarks.inserting", str(port), SECRET, self._url)
        self._wait_for(port)

    @contextmanager
    def slowed(self, share: float) -> Iterator[None]:
        """Let all nodes run for this share of the time only, each at moments of its own."""
        is_over = threading.Event()

        def slow(process: subprocess.Popen[bytes]) -> None:
            while not is_over.wait(share * PERIOD_S):
                process.send_signal(signal.SIGSTOP)
                is_over.wait((1 - share) * PERIOD_S)
                process.send_signal(signal.SIGCONT)

        threads = [threading.Thread(target=slow, args=[process]) for process in self.processes]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            is_over.set()
            for thread in threads:
                thread.join()

    def cpu_s(self) -> float:
        """Return the CPU time of all nodes."""
        return sum(_spent(process.pid) for process in self.processes)

    def stop(self) -> None:
        """End all."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, command: str, *arguments: str) -> None:
        given = ["--config", str(self._config), "--store", self._url, "--output", "quiet"]
        self._run("-m", "hookagent", command, *given, *arguments)

    def _run(self, *arguments: str) -> None:
        with (self._folder / f"log-{len(self.processes)}").open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, *arguments], stdout=log, stderr=log, cwd=HERE.parent
                )
            )

    def _wait_for(self, port: int) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.processes[-1].poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        said = (self._folder / f"log-{len(self.processes) - 1}").read_text()
        raise SystemExit(f"a node did not start:\n{said}")


@contextmanager
def nodes(url: str, text: str = "") -> Iterator[Nodes]:
    """Give a folder for nodes, and end them at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="hookagent-bench-") as made:
        found = Nodes(Path(made), url, text)
        try:
            yield found
        finally:
            found.stop()


@contextmanager
def schema(database: Database) -> Iterator[str]:
    """Give the URL of a schema of its own."""
    name = f"bench_{secrets.token_hex(4)}"
    try:
        yield f"{database.url}?schema={name}"
    finally:
        database.drop(name)


def load(ports: Sequence[int], connections: int, **options: object) -> list[dict[str, Any]]:
    """Send to all ports at once, the connections shared among them."""

    def one(port: int) -> dict[str, Any]:
        arguments = [sys.executable, "-m", "benchmarks.load", "--port", str(port)]
        arguments += ["--secret", SECRET, "--path", PATH]
        arguments += ["--connections", str(connections // len(ports))]
        for name, value in options.items():
            arguments += [f"--{name}", str(value)]
        done = subprocess.run(
            arguments, check=True, capture_output=True, timeout=LOAD_S, cwd=HERE.parent
        )
        measured: dict[str, Any] = json.loads(done.stdout)
        return measured

    with ThreadPoolExecutor(len(ports)) as pool:
        return list(pool.map(one, ports))


def accept(database: Database, case: str, args: argparse.Namespace) -> Row:
    """Measure one case once."""
    with ExitStack() as stack:
        if case == "sqlite":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hookagent-bench-"))
            made = stack.enter_context(nodes(f"sqlite:///{folder}/bench.db"))
            made.receiver("all")
        elif case.startswith("insert"):
            made = stack.enter_context(nodes(database.url))
            for _ in range(int(case[-1])):
                made.plain()
        else:
            url = stack.enter_context(schema(database))
            made = stack.enter_context(nodes(url))
            for _ in range(int(case[-1])):
                made.receiver("all" if case.startswith("serve") else "receive")
        load(made.ports, args.connections, seconds=WARM_UP_S, size=args.size)
        if case.startswith("slow"):
            stack.enter_context(made.slowed(args.share))
        before = (made.cpu_s(), database.cpu_s(), database.log_bytes())
        answers = load(made.ports, args.connections, seconds=args.seconds, size=args.size)
        after = (made.cpu_s(), database.cpu_s(), database.log_bytes())
    requests = sum(answer["requests"] for answer in answers)
    return {
        "per_second": sum(answer["per_second"] for answer in answers),
        "p50_ms": median(answer["p50_ms"] for answer in answers),
        "p99_ms": max(answer["p99_ms"] for answer in answers),
        "node_us": (after[0] - before[0]) / requests * 1e6,
        "database_us": (after[1] - before[1]) / requests * 1e6,
        "log_bytes": (after[2] - before[2]) / requests,
        "failed": sum(
            count
            for answer in answers
            for status, count in answer["statuses"].items()
            if status != "200"
        ),
    }


def work(database: Database, workers: int, args: argparse.Namespace) -> Row:
    """Measure how fast the runs of a heap of events are ended, and what that costs."""
    with schema(database) as url, nodes(url, rules()) as made:
        name = url.rpartition("=")[2]
        made.receiver("receive")
        load(made.ports, args.connections, count=args.events, size=args.size, seconds=LOAD_S)
        heap = database.one(f"SELECT count(*) FROM {name}.unrouted")
        receivers = len(made.processes)
        for _ in range(workers):
            made.worker()
        before = began = None
        give_up_at = time.perf_counter() + DRAIN_S
        while (left := database.one(_LEFT.format(name=name))) > 0:
            if left == heap or before is None:  # they are still starting
                before, began = _costs(made, database, receivers), time.perf_counter()
            if time.perf_counter() > give_up_at:
                raise SystemExit(f"not worked off: {left} are left")
            time.sleep(LOOK_S)
        assert before is not None
        assert began is not None
        seconds = time.perf_counter() - began
        spent, database_s, log = (
            after - of for after, of in zip(_costs(made, database, receivers), before, strict=True)
        )
        done = database.one(f"SELECT count(*) FROM {name}.runs WHERE state = 3")
        if done != heap:
            raise SystemExit(f"{heap} events made {done} runs")
    return {
        "per_second": heap / seconds,
        "node_us": spent / heap * 1e6,
        "database_us": database_s / heap * 1e6,
        "log_bytes": log / heap,
    }


def _costs(made: Nodes, database: Database, first: int) -> tuple[float, float, float]:
    """Return CPU seconds of the nodes from the first on and of the database, and bytes of log."""
    spent = sum(_spent(process.pid) for process in made.processes[first:])
    return spent, database.cpu_s(), database.log_bytes()


_LEFT = """
    SELECT (SELECT count(*) FROM {name}.unrouted)
        + (SELECT count(*) FROM {name}.runs WHERE wake_at IS NOT NULL)
"""
CASES = (
    "sqlite", "insert-1", "serve-1", "receive-1", "insert-2", "receive-2", "slow-1", "slow-2",
)  # fmt: skip


def medians(rows: Sequence[Row]) -> Row:
    """Return the median of each column."""
    return {column: median(row[column] for row in rows) for column in rows[0]}


def table(title: str, found: dict[str, list[Row]], base: str) -> None:
    """Print a table whose first column is the median ratio to one of its rows."""
    columns = list(found[base][0])
    print(f"\n{title:12} {'ratio':>7} " + " ".join(f"{column:>11}" for column in columns))
    for name, rows in found.items():
        ratio = median(
            row["per_second"] / of["per_second"] for row, of in zip(rows, found[base], strict=True)
        )
        values = medians(rows)
        print(f"{name:12} {ratio:7.2f} " + " ".join(f"{values[key]:11.1f}" for key in columns))


def main(argv: list[str]) -> int:
    """Measure and print tables, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks scale", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--connections", type=int, default=128, help="shared by the receivers")
    parser.add_argument("--events", type=int, default=8_000, help="for the workers to work off")
    parser.add_argument("--workers", type=int, default=4, help="at most; 0 measures accepts only")
    parser.add_argument("--share", type=float, default=0.2, help="of the time, for slow ones")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    cases = [case for case in CASES if case in args.cases.split(",")]
    accepted: dict[str, list[Row]] = {case: [] for case in cases}
    worked: dict[str, list[Row]] = {f"workers-{n}": [] for n in range(1, args.workers + 1)}
    with own_cluster(is_durable=True) as cluster:
        database = Database(cluster.url)
        for turn in range(args.rounds):
            for case in cases if turn % 2 == 0 else reversed(cases):
                accepted[case].append(accept(database, case, args))
            for name, rows in worked.items():
                rows.append(work(database, int(name[-1]), args))
        database.close()
    if args.json:
        print(json.dumps({"accept": accepted, "work": worked}))
        return 0
    print(f"{args.size} B, {args.connections} connections, medians of {args.rounds} rounds")
    if accepted:
        table("accept", accepted, cases[0])
    if worked:
        table("work", worked, "workers-1")
    return 0
