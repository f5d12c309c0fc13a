"""`python -m benchmarks history`: what a long history costs the present.

A store is filled with events once; then `serve` on it and `serve` on an empty store take turns
under the same load. Beside the accept rate: the first page of every filter and the search in
bodies as a client of the store sees them, memory, size, and how long single deliveries wait at most
while `serve` prunes half of the events.
"""

import argparse
import asyncio
import json
import random
import shutil
import sqlite3
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.servers import load, server, settle
from benchmarks.store import make_events
from hookagent.event import RawRequest, new_id
from hookagent.job import RunState, Step
from hookagent.store.base import EventFilter, Routed, Run
from hookagent.store.sqlite import Mode, SqliteStore

BATCH = 2_000
FILTERS = {
    "no filter": EventFilter(limit=50),
    "one source": EventFilter(source="source-1", limit=50),
    "a type": EventFilter(type="kind.7", limit=50),
    "a glob of types": EventFilter(type="kind.1*", limit=50),
    "a source that is not there": EventFilter(source="none", limit=50),
    "a verdict": EventFilter(verdict="ok", limit=50),
    "dead": EventFilter(status="dead", limit=50),
    "quiet": EventFilter(status="quiet", limit=50),
    "a rule": EventFilter(rule="rule-1", limit=50),
    "an hour long ago": EventFilter(since=1_700_100_000_000, until=1_700_103_600_000, limit=50),
}
SEARCHES = {
    "a text in one body": EventFilter(text="TCK-0000777", limit=50),
    "a text that is everywhere": EventFilter(text="payment", limit=50),
    "a text that is nowhere": EventFilter(text="no such words", limit=50),
    "two words, one source": EventFilter(text="refund account", source="source-1", limit=50),
    "a text, an hour long ago": EventFilter(
        text="payment", since=1_700_100_000_000, until=1_700_103_600_000, limit=50
    ),
}
ARRIVALS = 200.0
"""Deliveries a second while the store is pruned: each finds out how long it has to wait."""
CONTROL_S = 5.0
"""So long the same deliveries come beforehand, without a prune."""
KILL_AFTER_S = 2.0
"""So long there is load before a kill."""
LEFT_MAX = 20
"""Of the last thousand old events so many may stay: those with a dead run are not pruned."""


def fill(path: Path, count: int) -> float:
    """Fill a new store with routed events of one run each; return the events written a second."""
    return asyncio.run(_fill(path, count))


async def _fill(path: Path, count: int) -> float:
    store = SqliteStore(path, queue_max=10 * BATCH)
    await store.open()
    chance = random.Random(1)
    started = time.perf_counter()
    try:
        for first in range(0, count, BATCH):
            events = make_events(first, min(BATCH, count - first), chance)
            now = events[-1].received_at
            pending = [
                store.accept(event, owner="fill", lease_until=now + 60_000) for event in events
            ]
            await asyncio.gather(*pending)
            await store.route(
                "fill", [_routed(event.id, event.request, chance) for event in events]
            )
        while await store.index_bodies(limit=5_000):
            pass
    finally:
        await store.close()
    return count / (time.perf_counter() - started)


def _routed(event_id: str, request: RawRequest, chance: random.Random) -> Routed:
    at = request.received_at
    run = Run(
        id=new_id("run", at, chance.getrandbits(48)),
        event_id=event_id,
        rule=f"rule-{chance.randrange(5)}",
        state=RunState.DEAD if chance.random() < 0.001 else RunState.DONE,
        steps=[Step(name="log", action="log")],
        created_at=at,
        ended_at=at + 5,
    )
    return Routed(event_id=event_id, runs=[run])


async def pages(path: Path, filters: dict[str, EventFilter]) -> dict[str, float]:
    """Return the milliseconds of each filter's first page: the median of five."""
    store = SqliteStore(path, mode=Mode.TOOL)
    await store.open()
    found = {}
    try:
        for name, wanted in filters.items():
            times = []
            for _ in range(5):
                started = time.perf_counter()
                await store.events(wanted)
                times.append((time.perf_counter() - started) * 1000)
            found[name] = median(times)
    finally:
        await store.close()
    return found


def accept_rounds(folder: Path, rounds: int, seconds: float) -> dict[str, float]:
    """Serve on the store in a folder and on an empty one in turn; return the ratios to empty."""
    rates, costs, memory, starts = [], [], [], []
    for turn in range(rounds):
        row: dict[str, dict[str, float]] = {}
        for name in ("empty", "full") if turn % 2 == 0 else ("full", "empty"):
            began = time.perf_counter()
            with server("hookagent", folder=folder if name == "full" else None) as running:
                start = time.perf_counter() - began
                settle(running)  # what the last round left is indexed now, not while we measure
                load(running.port, seconds=0.5)
                before = running.cpu_s
                row[name] = load(running.port, seconds=seconds)
                row[name]["cpu"] = (running.cpu_s - before) / max(row[name]["requests"], 1)
                if name == "full":
                    memory.append(running.rss_max_mb)
                    starts.append(start)
        rates.append(row["full"]["per_second"] / row["empty"]["per_second"])
        costs.append(row["empty"]["cpu"] / row["full"]["cpu"])
    return {
        "ratio": median(rates),
        "cpu_ratio": median(costs),
        "rss_mb": max(memory),
        "start_s": median(starts),
    }


def restarts(folder: Path, rounds: int) -> dict[str, float]:
    """Kill `serve` under load and start it again, with this history and with none in turn.

    Returns the seconds until the port answers, of the clock (the best round: others may be at work)
    and of the processor, and the bytes of log that a start finds.
    """
    with tempfile.TemporaryDirectory(prefix="hookagent-restart-") as made:
        places = {"full": folder, "empty": Path(made)}
        rows: dict[str, list[tuple[float, float, int]]] = {name: [] for name in places}
        for turn in range(rounds):
            for name in sorted(places, reverse=bool(turn % 2)):
                rows[name].append(_restart(places[name]))
    best = {name: min(wall for wall, _, _ in row) for name, row in rows.items()}
    costs = {name: median(cpu for _, cpu, _ in row) for name, row in rows.items()}
    return {
        "full_s": best["full"],
        "empty_s": best["empty"],
        "full_cpu_s": costs["full"],
        "empty_cpu_s": costs["empty"],
        "log_bytes": max(log for _, _, log in rows["full"]),
    }


def _restart(folder: Path) -> tuple[float, float, int]:
    with server("hookagent", folder=folder) as running:
        load(running.port, seconds=KILL_AFTER_S)
        running.process.kill()
        running.process.wait()
    log = (folder / "bench.db-wal").stat().st_size
    began = time.perf_counter()
    with server("hookagent", folder=folder) as running:
        return time.perf_counter() - began, running.cpu_s, log


def prune(folder: Path, events: int, seconds: float) -> dict[str, float]:
    """Let `serve` prune the older half, or as much as it can in a time; deliveries go on coming.

    Returns how many went, and how long a delivery waited meanwhile and in the time before.
    """
    with server("hookagent", folder=folder) as running:
        settle(running)
        control = load(running.port, rate=ARRIVALS, seconds=CONTROL_S)
    half = events // 2
    database = folder / "bench.db"
    old = _asked(
        database, "SELECT received_at FROM events WHERE seq > ? ORDER BY seq LIMIT 1", half
    )
    before = _asked(database, "SELECT count(*) FROM events WHERE seq <= ?", half)
    retention = f"{(time.time_ns() // 1_000_000 - old) // 1000}s"
    result: dict[str, Any] = {}
    with server("hookagent", folder=folder, retention=retention) as running:
        began = time.perf_counter()
        load(running.port, seconds=0.5)
        time.sleep(2.0)
        arrivals = threading.Thread(
            target=lambda: result.update(load(running.port, rate=ARRIVALS, seconds=seconds))
        )
        arrivals.start()
        took = 0.0
        while arrivals.is_alive():
            time.sleep(0.5)
            if not took and _last_old(database, half) <= LEFT_MAX:
                took = time.perf_counter() - began
        memory = running.rss_max_mb
    left = _asked(database, "SELECT count(*) FROM events WHERE seq <= ?", half)
    return {
        "pruned": float(before - left),
        "seconds": took or seconds,
        "is_whole": float(bool(took)),
        "accept_p99_ms": result["p99_ms"],
        "accept_max_ms": result["max_ms"],
        "before_p99_ms": control["p99_ms"],
        "before_max_ms": control["max_ms"],
        "rss_mb": memory,
    }


def _last_old(database: Path, half: int) -> int:
    """Return how many of the last thousand old events are left: the newest of them go last."""
    return _asked(database, "SELECT count(*) FROM events WHERE seq BETWEEN ?1 - 999 AND ?1", half)


def _asked(database: Path, query: str, value: int) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as reader:
        return int(reader.execute(query, (value,)).fetchone()[0])


def measure(
    keep: Path | None, *, events: int, rounds: int, seconds: float, prune_seconds: float
) -> dict[str, Any]:
    """Fill or find the store, and measure everything on a copy of it."""
    with tempfile.TemporaryDirectory(prefix="hookagent-history-") as made:
        folder = Path(made) / "store"
        folder.mkdir(mode=0o700)
        filled = (keep or folder) / "bench.db"
        filled.parent.mkdir(parents=True, exist_ok=True)
        if not filled.exists():
            fill(filled, events)
        sizes = {
            name: filled.with_name(filled.name + ending).stat().st_size / events
            for name, ending in (("database", ""), ("search", ".search"))
        }
        if keep is not None:
            for file in keep.glob("bench.db*"):
                shutil.copy(file, folder / file.name)
        database = folder / "bench.db"
        asyncio.run(pages(database, {}))  # a kept store of an older schema is brought up to date
        return {
            "events": events,
            "accept": accept_rounds(folder, rounds, seconds),
            "pages_ms": asyncio.run(pages(database, FILTERS)),
            "searches_ms": asyncio.run(pages(database, SEARCHES)),
            "bytes_per_event": sizes,
            "restart": restarts(folder, rounds),
            "prune": prune(folder, events, prune_seconds) if prune_seconds else None,
        }


def main(argv: list[str]) -> int:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks history", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--prune-seconds", type=float, default=180.0, help="0 leaves it out")
    parser.add_argument("--keep", type=Path, help="a folder to keep the filled store in, or reuse")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    found = measure(
        args.keep,
        events=args.events,
        rounds=args.rounds,
        seconds=args.seconds,
        prune_seconds=args.prune_seconds,
    )
    if args.json:
        print(json.dumps(found))
        return 0
    accept, sizes, pruned = found["accept"], found["bytes_per_event"], found["prune"]
    print(
        f"accept with {args.events:,} stored events, ratio to an empty store:"
        f" {accept['ratio']:.2f}, by CPU {accept['cpu_ratio']:.2f}"
    )
    print(f"memory at most {accept['rss_mb']:.0f} MB; starts in {accept['start_s']:.2f} s")
    print(f"bytes an event: {sizes['database']:.0f}, and {sizes['search']:.0f} of text search")
    for name, milliseconds in (found["pages_ms"] | found["searches_ms"]).items():
        print(f"{name:28} {milliseconds:8.1f} ms")
    again = found["restart"]
    print(
        f"starts after a kill under load, {again['log_bytes'] / 2**20:.0f} MiB of log:"
        f" {again['full_s']:.2f} s, {again['full_cpu_s']:.2f} s of processor time (empty:"
        f" {again['empty_s']:.2f} and {again['empty_cpu_s']:.2f})"
    )
    if pruned:
        print(
            f"pruned {pruned['pruned']:,.0f} in {pruned['seconds']:.0f} s; deliveries meanwhile:"
            f" p99 {pruned['accept_p99_ms']:.1f} ms, slowest {pruned['accept_max_ms']:.1f} (before:"
            f" {pruned['before_p99_ms']:.1f} and {pruned['before_max_ms']:.1f});"
            f" {pruned['rss_mb']:.0f} MB"
        )
    return 0
