"""`python -m benchmarks accept`: how fast deliveries are verified, deduplicated, stored, answered.

Servers take turns, round by round, on one core; the load comes from another. What counts is the
ratio to the bare handler of the same round, and of those the median.
"""

import argparse
import json
from statistics import median

from benchmarks.servers import available, cpu_seconds, load, server


def measure(
    *, rounds: int, seconds: float, size: int, connections: int, peers: list[str]
) -> dict[str, list[dict[str, float]]]:
    """Measure every server once a round; return the rounds by server."""
    results: dict[str, list[dict[str, float]]] = {name: [] for name in (*peers, "hookagent")}
    for _ in range(rounds):
        for name, rows in results.items():
            with server(name) as running:
                load(running.port, seconds=0.5, size=size, connections=connections)
                before = cpu_seconds(running.process.pid)
                row = load(running.port, seconds=seconds, size=size, connections=connections)
                used = cpu_seconds(running.process.pid) - before
                row["cpu_us"] = used * 1e6 / max(row["requests"], 1)
                row["rss_mb"] = running.rss_mb
            rows.append(row)
    return results


def ratios(results: dict[str, list[dict[str, float]]]) -> dict[str, float]:
    """Return each server's median ratio to the bare handler of the same round."""
    bare = [row["per_second"] for row in results["bare"]]
    return {
        name: median(row["per_second"] / base for row, base in zip(rows, bare, strict=True))
        for name, rows in results.items()
    }


def main(argv: list[str]) -> int:
    """Measure and print a table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks accept", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--peers", default="", help="comma-separated; all installed by default")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    peers = args.peers.split(",") if args.peers else available()
    results = measure(
        rounds=args.rounds,
        seconds=args.seconds,
        size=args.size,
        connections=args.connections,
        peers=peers,
    )
    found = ratios(results)
    if args.json:
        print(json.dumps({"size": args.size, "ratios": found, "rounds": results}))
        return 0
    print(f"{args.size} B, {args.connections} connections, median of {args.rounds} rounds")
    print("server        ratio    per s  p50 ms  p99 ms     MB  CPU µs")
    for name, rows in results.items():
        figures = [median(row[key] for row in rows) for key in COLUMNS]
        per_second, p50, p99, rss, cpu = figures
        times = f"{p50:7.2f} {p99:7.2f} {rss:6.0f} {cpu:7.1f}"
        print(f"{name:12} {found[name]:6.2f} {per_second:8.0f} {times}")
    return 0


COLUMNS = ("per_second", "p50_ms", "p99_ms", "rss_mb", "cpu_us")
