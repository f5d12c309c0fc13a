"""Measure the store alone: `python -m benchmarks.store --events 100000 [--json]`.

Accepts through the group commit with 64 callers, routes and records one run per event, then times
the first page of every kind of filter, the text search and the prune. Sizes and memory at the end.
"""

import argparse
import asyncio
import json
import os
import random
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from hookagent.event import Event, Headers, RawRequest, new_id
from hookagent.job import RunState, Step
from hookagent.store.base import EventFilter, Routed, Run, RunFilter
from hookagent.store.sqlite import SqliteStore
from hookagent.verdict import Code, Integrity, Verdict

CALLERS = 64
WORDS = [
    *("payment", "invoice", "customer", "order", "shipped", "delivered", "urgent", "support"),
    *("ticket", "login", "failed", "database", "warehouse", "stock", "alert", "restock"),
    *("pending", "approved", "refund", "account", "billing", "network", "printer", "server"),
]
HEADERS = Headers(
    [
        (b"Host", b"hooks.example.test"),
        (b"User-Agent", b"GitHub-Hookshot/1a2b3c4"),
        (b"Content-Type", b"application/json"),
        (b"X-GitHub-Event", b"push"),
        (b"X-Hub-Signature-256", b"sha256=" + b"a" * 64),
        (b"Content-Length", b"1024"),
    ]
)
START = 1_700_000_000_000


def make_events(first: int, count: int, chance: random.Random) -> list[Event]:
    """Make distinct events of about 1 KiB, of 4 sources, 12 types and 30 days."""
    return [_event(n, chance) for n in range(first, first + count)]


def _event(n: int, chance: random.Random) -> Event:
    at = START + n * 2_592
    text = " ".join(chance.choices(WORDS, k=115))
    body = f'{{"ticket_id":"TCK-{n:07d}","id":"{chance.getrandbits(96):024x}","text":"{text}"}}'
    key = chance.randbytes(32)
    return Event(
        id=new_id("evt", at, chance.getrandbits(48)),
        source=f"source-{n % 4}",
        type=f"kind.{n % 12}",
        key=key,
        request=RawRequest(
            target="/hooks/github",
            headers=HEADERS,
            body=body.encode()[:1024],
            received_at=at,
            client_ip="192.0.2.1",
        ),
        verdict=Verdict(
            valid=True,
            scheme="github",
            code=Code.OK,
            integrity=Integrity.BODY,
            secret_index=0,
            content_key=key,
        ),
    )


async def accept(store: SqliteStore, events: list[Event]) -> float:
    """Accept from many callers at once; return events a second."""
    waiting: Iterator[Event] = iter(events)

    async def caller() -> None:
        for event in waiting:
            await store.accept(event, owner="bench", lease_until=1 << 50)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return len(events) / (time.perf_counter() - began)


async def work(store: SqliteStore, events: list[Event]) -> float:
    """Route each event with one running run, then record it done; return runs a second."""
    began = time.perf_counter()
    for at in range(0, len(events), CALLERS):
        runs = [_run(event) for event in events[at : at + CALLERS]]
        await store.route("bench", [Routed(event_id=run.event_id, runs=[run]) for run in runs])
        await store.record(
            "bench", [msgspec.structs.replace(run, state=RunState.DONE) for run in runs]
        )
    return len(events) / (time.perf_counter() - began)


def _run(event: Event) -> Run:
    return Run(
        id=event.id.replace("evt", "run"),
        event_id=event.id,
        rule=f"rule-{hash(event.id) % 10}",
        state=RunState.RUNNING,
        owner="bench",
        lease_until=1 << 50,
        created_at=event.received_at,
        steps=[Step(name="log", action="log")],
    )


def lookups(last: Event, count: int) -> dict[str, EventFilter]:
    """Return filters of every kind, also ones that find nothing."""
    week = last.received_at - 7 * 86_400_000
    return {
        "list": EventFilter(),
        "source": EventFilter(source="source-1"),
        "source and a type it never has": EventFilter(source="source-1", type="kind.2"),
        "type glob": EventFilter(type="kind.1*"),
        "verdict of all": EventFilter(verdict="body-signed"),
        "verdict that never was": EventFilter(verdict="unchecked"),
        "origin that never was": EventFilter(origin="replay"),
        "parent": EventFilter(parent=last.id),
        "status done": EventFilter(status="done"),
        "status dead": EventFilter(status="dead"),
        "status stored": EventFilter(status="stored"),
        "status quiet": EventFilter(status="quiet"),
        "rule, source, type, done": EventFilter(
            rule="rule-3", source="source-0", type="kind.4", status="done"
        ),
        "rule, dead": EventFilter(rule="rule-3", status="dead"),
        "until the first minute": EventFilter(until=START + 60_000),
        "source within an hour a week ago": EventFilter(
            source="source-2", since=week, until=week + 3_600_000
        ),
        "page in the middle": EventFilter(before=count // 2),
        "follow": EventFilter(after=count // 2),
        "text: one event": EventFilter(text="TCK-0000123"),
        "text: everywhere": EventFilter(text="payment"),
        "text: nowhere": EventFilter(text="zebra crossing"),
        "text: common, with a filter that never matches": EventFilter(text="payment", rule="none"),
    }


async def timed(call: Callable[[], Awaitable[object]]) -> float:
    """Return the median of five calls in milliseconds."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        await call()
        took.append((time.perf_counter() - began) * 1_000)
    return round(sorted(took)[2], 2)


async def measure(folder: Path, count: int) -> dict[str, Any]:
    """Run everything on a new store."""
    chance = random.Random(1)
    path = folder / "store" / "bench.db"
    store = SqliteStore(path)
    await store.open()
    rates, runs_rates = [], []
    last: list[Event] = []
    slice_size = min(20_000, count)
    for first in range(0, count, slice_size):
        last = make_events(first, min(slice_size, count - first), chance)
        rates.append(round(await accept(store, last)))
        runs_rates.append(round(await work(store, last)))
    began = time.perf_counter()
    while await store.index_bodies(limit=1_000):
        pass
    indexed = time.perf_counter() - began
    await store.close()
    result: dict[str, Any] = {
        "events": count,
        "accept_per_s": {"first": rates[0], "last": rates[-1]},
        "route_and_record_per_s": {"first": runs_rates[0], "last": runs_rates[-1]},
        "rest_of_indexing_s": round(indexed, 1),
        "bytes_per_event": {
            "database": path.stat().st_size // count,
            "search": path.with_name(path.name + ".search").stat().st_size // count,
        },
    }
    return result | await _look(path, last[-1], count)


async def _look(path: Path, last: Event, count: int) -> dict[str, Any]:
    store = SqliteStore(path)
    began = time.perf_counter()
    await store.open()
    started = time.perf_counter() - began
    first_page = {
        name: await timed(lambda wanted=wanted: store.events(wanted))  # type: ignore[misc] # its own filter
        for name, wanted in lookups(last, count).items()
    }
    first_page["one event"] = await timed(lambda: store.event(last.id))
    first_page["runs"] = await timed(lambda: store.runs(RunFilter()))
    first_page["dead runs"] = await timed(lambda: store.runs(RunFilter(states=[RunState.DEAD])))
    first_page["runs of a rule"] = await timed(lambda: store.runs(RunFilter(rule="rule-3")))
    first_page["stats"] = await timed(lambda: store.stats(since=0))
    pruned = await _prune(store, count)
    await store.close()
    return {"start_s": round(started, 3), "ms": first_page, "prune": pruned, "rss_mib": _rss()}


async def _prune(store: SqliteStore, count: int) -> dict[str, Any]:
    """Prune half in batches while single events come in; the stall is the slowest accept."""
    chance = random.Random(2)
    took: list[float] = []
    is_over = asyncio.Event()

    async def arrivals() -> None:
        n = count
        while not is_over.is_set():
            n += 1
            began = time.perf_counter()
            await store.accept(_event(n, chance))
            took.append((time.perf_counter() - began) * 1_000)
            await asyncio.sleep(0.005)

    visitor = asyncio.create_task(arrivals())
    began = time.perf_counter()
    removed = 0
    while pruned := (await store.prune(before=START + count // 2 * 2_592, limit=500)).events:
        removed += pruned
    seconds = time.perf_counter() - began
    is_over.set()
    await visitor
    took.sort()
    return {
        "events": removed,
        "per_s": round(removed / seconds),
        "accept_ms_meanwhile": {"p50": round(took[len(took) // 2], 2), "max": round(took[-1], 2)},
    }


def _rss() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to make the store; a temporary one")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=wanted.folder) as folder:
        result = uvloop.run(measure(Path(folder), wanted.events))
    result["cores"] = os.cpu_count()
    print(json.dumps(result) if wanted.json else json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
