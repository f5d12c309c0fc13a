"""`python -m benchmarks latency`: how long an answer takes: on an idle server, and at fixed rates.

Idle: one delivery at a time, and beside each what the disk itself takes to keep as many bytes (a
write and an `fdatasync` into the store's folder); what counts is the difference. Under load: an
open loop, where deliveries leave at their planned time whatever the server does, and the latency
counts from that time. Rates are shares of what the closed loop reached in the same run.
"""

import argparse
import json
import os
import socket
import time
from statistics import median
from typing import Any

from benchmarks.deliveries import HOST, deliveries
from benchmarks.framing import first_answer
from benchmarks.load import percentile
from benchmarks.peers import SECRET
from benchmarks.servers import PATH, Running, cores, load, server, settle

SHARES = (0.1, 0.25, 0.5, 0.75)
COMMIT_BYTES = 32 * 1024
"""A commit of one small event writes about eight pages of 4 KiB to the log."""
LOG_COMMITS = 128
PAUSE_S = 0.01


def measure(seconds: float, size: int) -> dict[str, Any]:
    """Return the idle figures, and one row per share of the full load."""
    with server("hookagent") as running:
        load(running.port, seconds=0.5, size=size)
        settle(running)
        alone = idle(running, max(int(seconds * 50), 20), size)
        full = load(running.port, seconds=seconds, size=size)["per_second"]
        rows = []
        for share in SHARES:
            rate = max(round(full * share), 1)
            row = load(running.port, rate=rate, seconds=seconds, size=size)
            row |= {"share": share, "rate": float(rate)}
            rows.append(row)
    return {"idle": alone, "full_per_second": full, "loads": rows}


def idle(running: Running, count: int, size: int) -> dict[str, float]:
    """Send one delivery at a time, and beside each sync as many bytes; milliseconds."""
    have = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores()[1])
    made = deliveries(port=running.port, path=PATH, secret=SECRET, size=size)
    answers, syncs = [], []
    try:
        with (
            socket.create_connection((HOST, running.port), timeout=10) as wire,
            (running.folder / "sync").open("wb", buffering=0) as file,
        ):
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            file.write(bytes(LOG_COMMITS * COMMIT_BYTES))  # the log is written over as well
            os.fsync(file.fileno())
            for turn in range(count):
                answers.append(_answered_ms(wire, next(made)))
                syncs.append(_synced_ms(file.fileno(), turn % LOG_COMMITS * COMMIT_BYTES))
                time.sleep(PAUSE_S)
    finally:
        os.sched_setaffinity(0, have)
    beyond = sorted(answer - sync for answer, sync in zip(answers, syncs, strict=True))
    return {
        "answer_p50_ms": median(answers),
        "sync_p50_ms": median(syncs),
        "beyond_p50_ms": median(beyond),
        "answer_p99_ms": percentile(sorted(answers), 0.99),
        "sync_p99_ms": percentile(sorted(syncs), 0.99),
    }


def _answered_ms(wire: socket.socket, delivery: bytes) -> float:
    began = time.perf_counter()
    wire.sendall(delivery)
    data = b""
    while first_answer(data) is None:
        part = wire.recv(65_536)
        if not part:
            raise SystemExit("the server closed an idle connection")
        data += part
    return (time.perf_counter() - began) * 1000


def _synced_ms(file: int, at: int) -> float:
    data = bytes(COMMIT_BYTES)
    began = time.perf_counter()
    os.pwrite(file, data, at)
    os.fdatasync(file)
    return (time.perf_counter() - began) * 1000


def main(argv: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks latency", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    found = measure(args.seconds, args.size)
    if args.json:
        print(json.dumps(found))
        return 0
    alone = found["idle"]
    print(
        f"idle: p50 {alone['answer_p50_ms']:.2f} ms, of which the disk {alone['sync_p50_ms']:.2f};"
        f" beyond it {alone['beyond_p50_ms']:.2f}; p99 {alone['answer_p99_ms']:.2f}"
    )
    print("   load   per s  p50 ms  p99 ms  p99.9 ms")
    for row in found["loads"]:
        latencies = f"{row['p50_ms']:7.2f} {row['p99_ms']:7.2f} {row['p999_ms']:9.2f}"
        print(f"{row['share']:6.0%} {row['rate']:8.0f} {latencies}")
    return 0
