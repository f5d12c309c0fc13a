"""`python -m benchmarks page`: measure everything and write docs/benchmarks.md with its plots.

Takes some ten minutes on a quiet machine. Every figure on the page comes from this one run.
"""

import argparse
import asyncio
import platform
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import accept, history, latency, pipeline
from benchmarks.plot import line_chart
from benchmarks.servers import available

DOCS = Path(__file__).resolve().parents[1] / "docs"
CONNECTIONS = (1, 4, 16, 64, 128)

TOP = """# Benchmarks

Everything on this page was measured in one run of `python -m benchmarks page` on {machine}, with
the server on one core and the load on another. Servers take turns; a ratio is the median over
{rounds} rounds of the rate beside that of the bare handler in the same round. Absolute figures are
of that machine; ratios carry over.

The bare handler is an aiohttp application that reads the body, answers 200 and stores nothing.
hookagent verifies an HMAC, deduplicates, and commits with `synchronous=FULL` before it answers.
Repeat a part with `python -m benchmarks` and one of `accept`, `pipeline`, `latency`, `history`,
`match`, `start`, `kill`, `github`; each has `--help`.
"""


def main(argv: list[str]) -> int:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks page", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--events", type=int, default=1_000_000)
    args = parser.parse_args(argv)
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    plots = DOCS / "benchmarks"
    plots.mkdir(exist_ok=True)
    parts = [TOP.format(machine=machine, rounds=args.rounds)]
    parts.append(_accept(args.rounds, args.seconds, plots))
    parts.append(_pipeline(args.rounds, args.seconds))
    parts.append(_latency(args.seconds, plots))
    parts.append(_history(args.events, args.rounds, args.seconds, plots))
    (DOCS / "benchmarks.md").write_text("\n".join(parts), "utf-8")
    return 0


def _accept(rounds: int, seconds: float, plots: Path) -> str:
    lines = ["## Accept", "", "| body | server | ratio | p50 ms | p99 ms | CPU µs | MB |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for size in (1024, 10_240):
        results = accept.measure(
            rounds=rounds, seconds=seconds, size=size, connections=64, peers=available()
        )
        found = accept.ratios(results)
        for name, rows in results.items():
            best = {key: sorted(row[key] for row in rows)[len(rows) // 2] for key in accept.COLUMNS}
            cells = [f"{size} B", name, f"{found[name]:.2f}"]
            cells += [f"{best[key]:.1f}" for key in ("p50_ms", "p99_ms", "cpu_us", "rss_mb")]
            lines.append("| " + " | ".join(cells) + " |")
    series: dict[str, list[tuple[float, float]]] = {"bare": [], "hookagent": []}
    for connections in CONNECTIONS:
        results = accept.measure(
            rounds=1, seconds=seconds, size=1024, connections=connections, peers=["bare"]
        )
        for name, rows in results.items():
            series[name].append((connections, rows[0]["per_second"]))
    chart = line_chart("Accepted a second", "connections", "requests a second", series)
    (plots / "throughput.svg").write_text(chart, "utf-8")
    return "\n".join([*lines, "", "![throughput](benchmarks/throughput.svg)", ""])


def _pipeline(rounds: int, seconds: float) -> str:
    rows = [pipeline.one_round(seconds, 1024) for _ in range(rounds)]
    found = {key: sorted(row[key] for row in rows)[len(rows) // 2] for key in pipeline.COLUMNS}
    return (
        "## The whole way\n\nTen rules, of which each event fires one with one `log` action, until"
        f" the last run is recorded: {found['ratio']:.2f} x the bare handler"
        f" ({found['per_second']:.0f} events a second), {found['refused']:.0f} refused,"
        f" {found['rss_mb']:.0f} MB.\n"
    )


def _latency(seconds: float, plots: Path) -> str:
    rows = latency.measure(seconds, 1024)
    lines = ["## Latency", "", "| load | per s | p50 ms | p99 ms | p99.9 ms |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for row in rows:
        figures = (row["p50_ms"], row["p99_ms"], row["p999_ms"])
        cells = " | ".join(f"{one:.2f}" for one in figures)
        lines.append(f"| {row['share']:.0%} | {row['rate']:.0f} | {cells} |")
    series = {
        name: [(row["share"] * 100, row[key]) for row in rows]
        for name, key in (("p50", "p50_ms"), ("p99", "p99_ms"))
    }
    chart = line_chart("Time to the answer", "per cent of full load", "milliseconds", series)
    (plots / "latency.svg").write_text(chart, "utf-8")
    return "\n".join([*lines, "", "![latency](benchmarks/latency.svg)", ""])


def _history(events: int, rounds: int, seconds: float, plots: Path) -> str:
    points: list[tuple[float, float]] = [(0, 1.0)]
    pages: dict[str, float] = {}
    seen: dict[str, Any] = {}
    for count in (events // 10, events):
        with tempfile.TemporaryDirectory(prefix="hookagent-history-") as made:
            filled = Path(made) / "bench.db"
            asyncio.run(history.fill(filled, count))
            seen = history.accept_rounds(filled, rounds, seconds)
            pages = asyncio.run(history.pages(filled))
            points.append((count, seen["ratio"]))
    chart = line_chart(
        "Accept rate with a history, beside an empty store", "stored events", "ratio", {"": points}
    )
    (plots / "history.svg").write_text(chart, "utf-8")
    lines = [
        f"## {events:,} stored events", "",
        f"Accept: {seen['ratio']:.2f} x that of an empty store; {seen['rss_mb']:.0f} MB.", "",
        "| first page of | ms |", "| --- | --- |",
        *(f"| {name} | {milliseconds:.1f} |" for name, milliseconds in pages.items()),
        "", "![history](benchmarks/history.svg)", "",
    ]  # fmt: skip
    return "\n".join(lines)
