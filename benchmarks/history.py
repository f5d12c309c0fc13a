"""`python -m benchmarks history`: what a long history costs the present.

A store is filled with events once; then `serve` on a copy of it and `serve` on an empty store take
turns under the same load. Beside the accept rate: the first page of every filter, the search in
bodies, and memory, as a client of the store sees them while the agent runs.
"""

import argparse
import asyncio
import json
import random
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.servers import load, server
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
    "dead": EventFilter(status="dead", limit=50),
    "quiet": EventFilter(status="quiet", limit=50),
    "a rule": EventFilter(rule="rule-1", limit=50),
    "an hour long ago": EventFilter(since=1_700_100_000_000, until=1_700_103_600_000, limit=50),
    "text": EventFilter(text="TCK-0000777", limit=50),
    "text that is everywhere": EventFilter(text="payment", limit=50),
    "text that is nowhere": EventFilter(text="no such words", limit=50),
}


async def fill(path: Path, count: int) -> float:
    """Fill a new store with routed events of one run each; return the events written a second."""
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


async def pages(path: Path) -> dict[str, float]:
    """Return the milliseconds of each filter's first page: the median of five."""
    store = SqliteStore(path, mode=Mode.TOOL)
    await store.open()
    found = {}
    try:
        for name, wanted in FILTERS.items():
            times = []
            for _ in range(5):
                started = time.perf_counter()
                await store.events(wanted)
                times.append((time.perf_counter() - started) * 1000)
            found[name] = median(times)
    finally:
        await store.close()
    return found


def accept_rounds(filled: Path, rounds: int, seconds: float) -> dict[str, float]:
    """Serve on the full and on an empty store in turn; return the ratio and what was seen."""
    ratios, rates, memory = [], [], []
    for _ in range(rounds):
        with server("hookagent") as running:
            load(running.port, seconds=0.5)
            empty = load(running.port, seconds=seconds)["per_second"]
        with tempfile.TemporaryDirectory(prefix="hookagent-history-") as made:
            for file in filled.parent.glob(filled.name + "*"):
                shutil.copy(file, Path(made) / file.name.replace(filled.name, "bench.db"))
            with server("hookagent", folder=Path(made)) as running:
                load(running.port, seconds=0.5)
                full = load(running.port, seconds=seconds)["per_second"]
                memory.append(running.rss_mb)
        ratios.append(full / empty)
        rates.append(full)
    return {"ratio": median(ratios), "per_second": median(rates), "rss_mb": max(memory)}


def main(argv: list[str]) -> int:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks history", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--keep", type=Path, help="a folder to keep the filled store in, or reuse")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="hookagent-history-") as made:
        filled = (args.keep or Path(made)) / "bench.db"
        if not filled.exists():
            asyncio.run(fill(filled, args.events))
        size = sum(file.stat().st_size for file in filled.parent.glob("bench.db*"))
        found = {
            "accept": accept_rounds(filled, args.rounds, args.seconds),
            "pages_ms": asyncio.run(pages(filled)),
            "bytes_per_event": size / args.events,
        }
    if args.json:
        print(json.dumps(found))
        return 0
    accept = found["accept"]
    print(
        f"accept with {args.events:,} stored events, ratio to an empty store: {accept['ratio']:.2f}"
    )
    print(
        f"memory of serve: {accept['rss_mb']:.0f} MB; {found['bytes_per_event']:.0f} bytes an event"
    )
    for name, milliseconds in found["pages_ms"].items():
        print(f"{name:28} {milliseconds:8.1f} ms")
    return 0
