"""`python -m benchmarks latency`: how long an answer takes at a fixed rate of arrivals.

Open loop: requests leave at their planned time whatever the server does, and the latency counts
from that time. Rates are shares of what the closed loop reached in the same run.
"""

import argparse
import json

from benchmarks.servers import load, server

SHARES = (0.02, 0.1, 0.25, 0.5, 0.75)


def measure(seconds: float, size: int) -> list[dict[str, float]]:
    """Return one row per share of the full load."""
    rows = []
    with server("hookagent") as running:
        load(running.port, seconds=0.5, size=size)
        full = load(running.port, seconds=seconds, size=size)["per_second"]
        for share in SHARES:
            rate = max(round(full * share), 1)
            row = load(running.port, rate=rate, count=round(rate * seconds), size=size)
            rows.append(
                {
                    "share": share,
                    "rate": float(rate),
                    "p50_ms": row["p50_ms"],
                    "p99_ms": row["p99_ms"],
                    "p999_ms": row["p999_ms"],
                }
            )
    return rows


def main(argv: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks latency", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    rows = measure(args.seconds, args.size)
    if args.json:
        print(json.dumps(rows))
        return 0
    print("   load   per s  p50 ms  p99 ms  p99.9 ms")
    for row in rows:
        latencies = f"{row['p50_ms']:7.2f} {row['p99_ms']:7.2f} {row['p999_ms']:9.2f}"
        print(f"{row['share']:6.0%} {row['rate']:8.0f} {latencies}")
    return 0
