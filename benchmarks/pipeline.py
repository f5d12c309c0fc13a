"""`python -m benchmarks pipeline`: from the socket to the last recorded run, sustained.

Ten rules, of which each event fires one with one `log` action. The clock stops when the last run is
recorded as done; the queue's greatest length and the memory are noted on the way.
"""

import argparse
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from statistics import median

from benchmarks.servers import Running, load, server

DRAIN_S = 120.0
COLUMNS = ("ratio", "per_second", "accept_per_second", "drain_s", "rss_mb", "refused")


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


def counted(database: Path) -> tuple[int, int]:
    """Return how many events there are and how many runs are done."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as reader:
        events = reader.execute("SELECT count(*) FROM events").fetchone()[0]
        done = reader.execute("SELECT count(*) FROM runs WHERE ended_at > 0").fetchone()[0]
        return int(events), int(done)


def drained(running: Running) -> float:
    """Wait until every event has its run done; return the seconds it took."""
    assert running.database is not None
    started = time.perf_counter()
    while time.perf_counter() - started < DRAIN_S:
        events, done = counted(running.database)
        if events and events == done:
            return time.perf_counter() - started
        time.sleep(0.05)
    raise SystemExit(f"not drained: {counted(running.database)}")


def one_round(seconds: float, size: int) -> dict[str, float]:
    """Measure the bare handler, then the whole way, in one round."""
    with server("bare") as running:
        load(running.port, seconds=0.5, size=size)
        bare = load(running.port, seconds=seconds, size=size)
    with server("hookagent", rules=rules()) as running:
        load(running.port, seconds=0.5, size=size)
        drained(running)
        assert running.database is not None
        before, _ = counted(running.database)
        started = time.perf_counter()
        accepted = load(running.port, seconds=seconds, size=size)
        setup = time.perf_counter() - started - accepted["seconds"]
        drain = drained(running)
        took = time.perf_counter() - started - setup
        events = counted(running.database)[0] - before
        rss = running.rss_mb
    statuses = accepted["statuses"]
    rate = events / took
    return {
        "ratio": rate / bare["per_second"],
        "per_second": rate,
        "accept_per_second": accepted["per_second"],
        "drain_s": drain,
        "rss_mb": rss,
        "refused": float(sum(n for status, n in statuses.items() if status != "200")),
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
