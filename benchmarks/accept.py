"""`python -m benchmarks accept`: how fast deliveries are verified, deduplicated, stored, answered.

Servers take turns, round by round, on one core; the load comes from another. What counts is the
ratio to the bare handler of the same round, and of those the median: of deliveries a second, and
of CPU time a delivery, which a busy machine disturbs less. A peer that is not here is named.
"""

import argparse
import json
from statistics import median
from subprocess import SubprocessError
from typing import Any

from benchmarks.peers import NAMES, Peers, peers
from benchmarks.servers import load, server

Rows = dict[str, list[dict[str, Any]]]
COLUMNS = ("per_second", "p50_ms", "p99_ms", "rss_mb", "cpu_us")
WARM_UP_S = 0.5


def measure(found: Peers, *, rounds: int, seconds: float, size: int, connections: int = 64) -> Rows:
    """Measure every server once a round, each round in another order; return rounds by server.

    A peer that fails is absent from then on.
    """
    results: Rows = {name: [] for name in (*found.about, "hookagent")}
    for turn in range(rounds):
        names = list(results)
        for name in names if turn % 2 == 0 else reversed(names):
            try:
                results[name].append(one(found, name, seconds, size, connections))
            except (SystemExit, SubprocessError) as error:
                if name not in found.about or name == "bare":
                    raise
                found.absent[name] = f"it failed here: {' '.join(str(error).split())[:200]}"
                del found.about[name], results[name]
    return results


def one(found: Peers, name: str, seconds: float, size: int, connections: int) -> dict[str, Any]:
    """Measure one server once."""
    with server(name, found=found) as running:
        load(running.port, seconds=WARM_UP_S, size=size, connections=connections)
        before = running.cpu_s
        row = load(running.port, seconds=seconds, size=size, connections=connections)
        row["cpu_us"] = (running.cpu_s - before) * 1e6 / max(row["requests"], 1)
        row["rss_mb"] = running.rss_mb
    row["failed"] = sum(row["errors"].values()) + sum(
        count for status, count in row["statuses"].items() if status != "200"
    )
    return row


def ratios(results: Rows, column: str = "per_second") -> dict[str, float]:
    """Return each server's median ratio to the bare handler of the same round.

    More is better in both columns: a rate is divided by the bare one, a cost divides it.
    """
    found = {}
    for name, rows in results.items():
        pairs = [
            (row[column], bare[column]) for row, bare in zip(rows, results["bare"], strict=True)
        ]
        if column == "cpu_us":
            pairs = [(bare, own) for own, bare in pairs]
        found[name] = median(own / base for own, base in pairs)
    return found


def medians(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return the median of each column."""
    return {column: median(row[column] for row in rows) for column in COLUMNS}


def main(argv: list[str]) -> int:
    """Measure and print a table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks accept", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--peers", default=",".join(NAMES), help="comma-separated; `bare` always")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    with peers(frozenset(args.peers.split(",")) | {"bare"}) as found:
        results = measure(
            found,
            rounds=args.rounds,
            seconds=args.seconds,
            size=args.size,
            connections=args.connections,
        )
    rates, costs = ratios(results), ratios(results, "cpu_us")
    if args.json:
        about = {"about": found.about, "absent": found.absent}
        figures = {"size": args.size, "ratios": rates, "cpu_ratios": costs, "rounds": results}
        print(json.dumps(figures | about))
        return 0
    print(f"{args.size} B, {args.connections} connections, median of {args.rounds} rounds")
    print("server        ratio  by CPU    per s  p50 ms  p99 ms     MB  CPU µs  failed")
    for name, rows in results.items():
        found_ = medians(rows)
        print(
            f"{name:12} {rates[name]:6.2f} {costs[name]:7.2f} {found_['per_second']:8.0f}"
            f" {found_['p50_ms']:7.2f} {found_['p99_ms']:7.2f} {found_['rss_mb']:6.0f}"
            f" {found_['cpu_us']:7.1f} {sum(row['failed'] for row in rows):7}"
        )
    for name, reason in found.absent.items():
        print(f"{name:12} absent: {reason}")
    return 0
