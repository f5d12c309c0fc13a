"""`python -m benchmarks soak`: an hour at half load; memory, files, log and latency must stay flat.

Half load is half of what the whole way, from the socket to the last recorded run, sustains on this
machine in the same run; `--rate` sets another. The run is cut into slices, each gives one point of
every series, and the trend of each series is judged (`benchmarks/trend.py`), the first fifth of the
run left out as warm-up. Events are kept for ten minutes, so retention is at work too.

A control is timed beside it all: a fixed piece of work that has nothing to do with the agent. Where
the control slows down too, the machine did, and the latencies say nothing about the agent.
"""

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from statistics import fmean, median
from typing import Any

from benchmarks.pipeline import rules
from benchmarks.servers import CONFIG, free_port
from benchmarks.trend import Judgement, Trend, trend
from hookagent.store.sqlite.checkpoint import LOG_PAGES_MAX
from hookagent.store.sqlite.connection import PAGE_BYTES
from tests.security.resources import memory, open_files

MIB = 1024 * 1024
SECRET = "soak-secret-0123456789abcdef"
LOAD_S = 900.0
"""No slice lasts longer, whatever hangs."""
SLICES = 60
WARM_UP = 0.2
"""The share of the run that is left out of the trends."""
WARM_EVENTS = 40_000
"""Sent before the run, as fast as they go: caches and the first generation of keys fill."""
START_S = 30.0
DRAIN_S = 60.0
LOG = "write-ahead log MiB"
LOG_BOUND_MIB = LOG_PAGES_MAX * PAGE_BYTES / MIB
"""A log smaller than this comes and goes with the checkpoints; the writer waits for them beyond."""
ALLOWED = {
    "memory MiB": 8.0,
    "open files": 4.0,
    LOG: 8.0,
    "p50 ms": 1.0,
    "p99 ms": 10.0,
}
"""What a series may grow by over the run and still be flat: what is seen, not what is feared."""
LATENCIES = ("p50 ms", "p99 ms")
"""The series that a slower machine makes grow, whatever the agent does."""
CONTROL_BYTES = 2 * MIB
"""Hashed for the control: one to three milliseconds of one core."""
CONTROL_ALLOWED = 0.1
"""By what share the control may slow down before the machine is said to have done so."""


@dataclass(slots=True)
class Agent:
    """A running agent and its database."""

    process: subprocess.Popen[bytes]
    port: int
    database: Path

    def sample(self) -> tuple[float, float, float]:
        """Return memory in MiB, open files, and the write-ahead log in MiB."""
        log = self.database.with_name(self.database.name + "-wal")
        size = log.stat().st_size if log.exists() else 0
        pid = self.process.pid
        return memory(pid) / MIB, float(open_files(pid)), size / MIB


@dataclass(slots=True)
class Found:
    """What was seen."""

    series: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in ALLOWED})
    control: list[float] = field(default_factory=list)
    """Milliseconds of the control in each slice, which the agent has no part in."""
    answers: Counter[str] = field(default_factory=Counter)
    rate: float = 0.0
    left: int = 0
    database_mib: float = 0.0

    def judged(self) -> dict[str, dict[str, Any]]:
        """Return the trend and the judgement of every series, and of the control."""
        control = _warm(self.control)
        allowed = ALLOWED | {CONTROL: CONTROL_ALLOWED * control.level}
        trends = {name: _warm(values) for name, values in self.series.items()} | {CONTROL: control}
        trends[LOG] = _warm([max(size, LOG_BOUND_MIB) for size in self.series[LOG]])
        judgements = {name: found.judge(allowed[name]) for name, found in trends.items()}
        if judgements[CONTROL] is not Judgement.FLAT:
            for name in LATENCIES:
                if judgements[name] is Judgement.GROWS:
                    judgements[name] = Judgement.UNCLEAR
        return {
            name: {
                "level": round(found.level, 2),
                "growth": round(found.growth, 2),
                "interval": [round(found.low, 2), round(found.high, 2)],
                "allowed": round(allowed[name], 2),
                "judgement": str(judgements[name]),
            }
            for name, found in trends.items()
        }


CONTROL = "control ms"


def _warm(values: list[float]) -> Trend:
    """Return the trend of a series without its warm-up."""
    return trend(values[int(len(values) * WARM_UP) :])


def _control() -> float:
    """Do the control's piece of work; return its milliseconds."""
    started = time.perf_counter()
    sha256(bytes(CONTROL_BYTES)).digest()
    return (time.perf_counter() - started) * 1000


@contextmanager
def agent(folder: Path, retention: str) -> Iterator[Agent]:
    """Run an agent with ten rules, of which each event fires one."""
    config = folder / "hookagent.toml"
    config.write_text(CONFIG.format(secret=SECRET).replace('"10000d"', f'"{retention}"'))
    config.chmod(0o600)
    (folder / "rules").mkdir()
    (folder / "rules" / "bench.toml").write_text(rules())
    port = free_port()
    arguments = ["serve", "--config", str(config), "--port", str(port), "--no-inspector"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hookagent", *arguments, "--output", "quiet"],
            stdout=log,
            stderr=log,
            cwd=folder,
        )
        try:
            _wait_for_socket(port, process, folder / "log")
            yield Agent(process, port, folder / "bench.db")
        finally:
            process.terminate()
            process.wait(START_S)


def _wait_for_socket(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    import socket

    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"the agent did not start:\n{log.read_text()}")


def load(port: int, **options: object) -> dict[str, Any]:
    """Run the load generator, on whatever core is free, and return what it measured."""
    arguments = [sys.executable, "-m", "benchmarks.load", "--port", str(port), "--secret", SECRET]
    for name, value in options.items():
        arguments += [f"--{name}", str(value)]
    done = subprocess.run(
        arguments, check=True, capture_output=True, timeout=LOAD_S, cwd=Path(__file__).parents[1]
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def counted(database: Path) -> tuple[int, int]:
    """Return how many events there are and how many runs have ended."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as reader:
        events = reader.execute("SELECT count(*) FROM events").fetchone()[0]
        ended = reader.execute("SELECT count(*) FROM runs WHERE ended_at > 0").fetchone()[0]
        return int(events), int(ended)


def sustained(running: Agent) -> float:
    """Return how many events a second go the whole way, from the socket to the recorded run."""
    started = time.monotonic()
    load(running.port, count=WARM_EVENTS)
    drained(running)
    return WARM_EVENTS / (time.monotonic() - started)


def drained(running: Agent) -> int:
    """Wait until every run is done; return how many are not after a minute."""
    deadline = time.monotonic() + DRAIN_S
    while True:
        events, done = counted(running.database)
        if events == done or time.monotonic() > deadline:
            return events - done
        time.sleep(0.1)


def soak(folder: Path, seconds: float, rate: float = 0.0, retention: str = "10m") -> Found:
    """Load an agent for so long and return every series; a rate of 0 is half load."""
    found = Found()
    with agent(folder, retention) as running:
        full = sustained(running)
        found.rate = rate or full / 2
        length = seconds / SLICES
        for number in range(SLICES):
            _one_slice(running, found, length)
            print(f"\r{number + 1}/{SLICES} slices", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        found.left = drained(running)
        found.database_mib = running.database.stat().st_size / MIB
    return found


def _one_slice(running: Agent, found: Found, length: float) -> None:
    """Load for the length of a slice while the process is watched; add a point to each series."""
    samples: list[tuple[float, float, float]] = []
    controls: list[float] = []
    end = threading.Event()

    def watch() -> None:
        while not end.wait(length / 20):
            samples.append(running.sample())
            controls.append(_control())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        measured = load(
            running.port, rate=found.rate, count=max(round(found.rate * length), 1), connections=16
        )
    finally:
        end.set()
        watcher.join()
    found.answers.update(measured["statuses"])
    memories, files, logs = zip(*samples, strict=True)
    points = (median(memories), max(files), max(logs), measured["p50_ms"], measured["p99_ms"])
    for name, point in zip(ALLOWED, points, strict=True):
        found.series[name].append(point)
    found.control.append(fmean(controls))


def main(arguments: list[str]) -> int:
    """Run and print; 1 when something grows, or an answer was not 200."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3_600.0, help="how long (3600)")
    parser.add_argument("--rate", type=float, default=0.0, help="events a second (half load)")
    parser.add_argument("--folder", type=Path, help="where the store is made; a temporary one")
    parser.add_argument("--json", action="store_true", help="for machines, every point included")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        found = soak(Path(folder), options.seconds, options.rate)
    judged = found.judged()
    if options.json:
        facts = {"rate": found.rate, "answers": found.answers, "left": found.left}
        facts["database_mib"] = found.database_mib
        print(
            json.dumps(
                facts | {"judged": judged, "series": found.series | {CONTROL: found.control}}
            )
        )
    else:
        print(f"{found.rate:.0f} events a second, answers {dict(found.answers)}")
        print(f"{found.left} runs left, database {found.database_mib:.0f} MiB")
        for name, one in judged.items():
            low, high = one["interval"]
            figures = f"{one['level']:9.2f} {one['growth']:+8.2f} [{low:+.2f}, {high:+.2f}]"
            print(f"{name:20} {figures}  {one['judgement']}")
    is_flat = all(judged[name]["judgement"] != Judgement.GROWS for name in ALLOWED)
    return 0 if is_flat and set(found.answers) == {"200"} and not found.left else 1
