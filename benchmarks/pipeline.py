"""`python -m benchmarks pipeline`: from the socket to the last recorded run, sustained.

Ten rules, of which each event fires one with one `log` action. The clock stops when the last run is
recorded as done; how much waited at most and the memory are noted on the way. Two ratios to the
bare handler of the same round: of events a second, and of CPU time an event, which a busy machine
disturbs less.
"""

import argparse
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median

from benchmarks.servers import Running, load, server

DRAIN_S = 120.0
LOOK_S = 0.1
COLUMNS = (
    "ratio",
    "cpu_ratio",
    "per_second",
    "cpu_us",
    "accept_per_second",
    "drain_s",
    "waiting_max",
    "rss_mb",
    "refused",
)


def rules() -> str:
    """Return ten rules; the load's events fire exactly the last."""
    made = [
        f'[rule.other-{number}]\non = "bench/bench.*"\n[rule.other-{number}.when]\n'
        f'action = "closed-{number}"\n"data.repository.full_name" = {{ prefix = "ada/" }}\n'
        f'[[rule.other-{number}.do]]\naction = "log"\ntext = "never"\n'
        for number in range(9)
    ]
    made.append(
        '[rule.each]\non = "bench/bench.*"\n[rule.each.when]\naction = ["opened", "reopened"]\n'
        '[[rule.each.do]]\naction = "log"\ntext = "{{ id }} {{ data.sender.login }}"\n'
    )
    return "\n".join(made)


def _asked(database: Path, query: str) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as reader:
        return int(reader.execute(query).fetchone()[0])


def waiting(database: Path) -> int:
    """Return how many events are not routed and how many runs are not over."""
    return _asked(
        database,
        "SELECT (SELECT count(*) FROM unrouted)"
        " + (SELECT count(*) FROM runs WHERE wake_at IS NOT NULL)",
    )


def events_of(database: Path) -> int:
    """Return how many events there are."""
    return _asked(database, "SELECT count(*) FROM events")


def drained(database: Path) -> float:
    """Wait until every event has its run done; return the seconds it took."""
    started = time.perf_counter()
    while waiting(database):
        if time.perf_counter() - started > DRAIN_S:
            raise SystemExit(f"not drained: {waiting(database)} events and runs are left")
        time.sleep(LOOK_S / 2)
    took = time.perf_counter() - started
    events = events_of(database)
    done = _asked(database, "SELECT count(*) FROM runs WHERE ended_at > 0")
    if events != done:
        raise SystemExit(f"{events} events, but {done} runs are over")
    return took


@contextmanager
def watched(database: Path) -> Iterator[list[int]]:
    """Look now and then how much waits while the block runs; yield what was seen."""
    seen: list[int] = []
    end = threading.Event()

    def look() -> None:
        while not end.wait(LOOK_S):
            seen.append(waiting(database))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        end.set()
        thread.join()


def one_round(seconds: float, size: int) -> dict[str, float]:
    """Measure the bare handler, then the whole way, in one round."""
    with server("bare") as running:
        load(running.port, seconds=0.5, size=size)
        before = running.cpu_s
        bare = load(running.port, seconds=seconds, size=size)
        bare_cpu = (running.cpu_s - before) / max(bare["requests"], 1)
    with server("hookagent", rules=rules()) as running:
        return _whole_way(running, seconds, size, bare["per_second"], bare_cpu)


def _whole_way(
    running: Running, seconds: float, size: int, bare_rate: float, bare_cpu: float
) -> dict[str, float]:
    database = running.database
    assert database is not None
    load(running.port, seconds=0.5, size=size)
    drained(database)
    before, cpu = events_of(database), running.cpu_s
    started = time.perf_counter()
    with watched(database) as seen:
        accepted = load(running.port, seconds=seconds, size=size)
        setup = time.perf_counter() - started - accepted["seconds"]
        drain = drained(database)
    took = time.perf_counter() - started - setup
    used = running.cpu_s - cpu
    events = events_of(database) - before
    answers = accepted["statuses"]
    return {
        "ratio": events / took / bare_rate,
        "cpu_ratio": bare_cpu * events / used,
        "per_second": events / took,
        "cpu_us": used / events * 1e6,
        "accept_per_second": accepted["per_second"],
        "drain_s": drain,
        "waiting_max": float(max(seen, default=0)),
        "rss_mb": running.rss_max_mb,
        "refused": float(sum(n for status, n in answers.items() if status != "200")),
    }


def main(argv: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks pipeline", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    rows = [one_round(args.seconds, args.size) for _ in range(args.rounds)]
    found = {key: median(row[key] for row in rows) for key in COLUMNS}
    if args.json:
        print(json.dumps({"median": found, "rounds": rows}))
    else:
        for key in COLUMNS:
            print(f"{key:20} {found[key]:10.2f}")
    return 0
