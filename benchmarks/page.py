"""`python -m benchmarks page`: measure everything and write docs/benchmarks.md with its plots.

Takes some eight minutes on a quiet machine. Every figure on the page comes from this one run. A
peer that is not here is named, and a part that fails says so in its place; the rest goes on.
"""

import argparse
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from statistics import median
from subprocess import SubprocessError
from typing import Any

from benchmarks import accept, history, latency, pipeline
from benchmarks.peers import Peers, peers
from benchmarks.plot import Points, line_chart

DOCS = Path(__file__).resolve().parents[1] / "docs"
CONNECTIONS = (1, 16, 64, 128)
POINT_S = 1.0
"""How long each point of the throughput plot is measured."""
SIZES = (1_024, 10_240)

TOP = """# Benchmarks

Everything on this page was measured in one run of `python -m benchmarks page` on {machine}, with
the server on one core and the load on another. Servers take turns, each round in another order; a
ratio is the median over {rounds} rounds of the rate beside that of the bare handler in the same
round, "by CPU" the same of the CPU time a request takes, which a busy machine disturbs less: more
is better in both. Absolute figures are of that machine; ratios carry over.

hookagent verifies an HMAC, deduplicates, and commits with `synchronous=FULL` before it answers.
The others store nothing:

{about}

## Repeat it

    pip install -e '.[dev]'
    python -m benchmarks page                 # this page; some eight minutes
    python -m benchmarks accept --size 1024   # one part: accept, pipeline, latency, history

Two idle cores are needed, Linux, and for the peers a network: Flask and Express are installed into
a temporary folder (`HOOKAGENT_BENCH_PEERS` names one to keep), adnanh/webhook is Debian's package
`webhook`. `match`, `start`, `kill`, `soak` and `github` measure other things; each has `--help`.
"""


def main(argv: list[str]) -> int:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks page", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--prune-seconds", type=float, default=40.0)
    parser.add_argument("--keep", type=Path, help="a folder to keep the long history in, or reuse")
    parser.add_argument("--docs", type=Path, default=DOCS, help="where the page goes")
    args = parser.parse_args(argv)
    plots = args.docs / "benchmarks"
    plots.mkdir(parents=True, exist_ok=True)
    parts = []
    with peers() as found:
        for title, part in (
            ("Accept", lambda: _accept(found, args.rounds, args.seconds, plots)),
            ("The whole way", lambda: _pipeline(args.rounds, args.seconds)),
            ("Latency", lambda: _latency(args.seconds, plots)),
            ("History", lambda: _history(args, plots)),
        ):
            parts.append(_part(title, part))
        parts.insert(0, _top(found, args.rounds))  # by now it is known which peers failed
    (args.docs / "benchmarks.md").write_text("\n".join(parts), "utf-8")
    return 0


def _top(found: Peers, rounds: int) -> str:
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    about = [f"- `{name}`: {text}" for name, text in found.about.items()]
    about += [f"- `{name}` is absent: {reason}" for name, reason in found.absent.items()]
    return TOP.format(machine=machine, rounds=rounds, about="\n".join(about))


def _part(title: str, part: Callable[[], str]) -> str:
    """Measure one part; what fails is said instead."""
    began = time.monotonic()
    print(f"{title} …", file=sys.stderr, flush=True)
    try:
        text = part()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the other parts are worth having
        traceback.print_exc()
        text = f"Not measured in this run: {' '.join(str(error).split())[:300]}\n"
    print(f"{title}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return f"## {title}\n\n{text}"


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def _accept(found: Peers, rounds: int, seconds: float, plots: Path) -> str:
    rows = []
    for size in SIZES:
        results = accept.measure(found, rounds=rounds, seconds=seconds, size=size)
        rates, costs = accept.ratios(results), accept.ratios(results, "cpu_us")
        for name, measured in results.items():
            middle = accept.medians(measured)
            cells = [f"{size:,} B", name, f"{rates[name]:.2f}", f"{costs[name]:.2f}"]
            cells.append(f"{middle['per_second']:,.0f}")
            cells += [f"{middle[key]:.1f}" for key in ("p50_ms", "p99_ms", "cpu_us", "rss_mb")]
            rows.append([*cells, str(sum(row["failed"] for row in measured))])
    heads = ["body", "server", "ratio", "by CPU", "a second", "p50 ms", "p99 ms", "CPU µs"]
    lines = _table([*heads, "MB", "failed"], rows)
    series: dict[str, Points] = {name: [] for name in (*found.about, "hookagent")}
    for connections in CONNECTIONS:
        for name, points in series.items():
            try:
                row = accept.one(found, name, min(seconds, POINT_S), 1024, connections)
            except (SystemExit, SubprocessError):
                continue  # one point less
            series[name] = [*points, (connections, row["per_second"])]
    chart = line_chart("Answered a second", "connections", "requests a second", series)
    (plots / "throughput.svg").write_text(chart, "utf-8")
    return "\n".join([*lines, "", "![throughput](benchmarks/throughput.svg)", ""])


def _pipeline(rounds: int, seconds: float) -> str:
    rows = [pipeline.one_round(seconds, 1024) for _ in range(rounds)]
    found = {key: median(row[key] for row in rows) for key in pipeline.COLUMNS}
    return (
        "Ten rules, of which each event fires one with one `log` action, until the last run is"
        f" recorded: {found['ratio']:.2f} x the bare handler, {found['cpu_ratio']:.2f} x by CPU"
        f" ({found['per_second']:,.0f} events a second, {found['cpu_us']:.0f} µs of CPU each)."
        f" At most {found['waiting_max']:,.0f} events and runs waited, {found['refused']:.0f}"
        f" deliveries were refused, {found['rss_mb']:.0f} MB.\n"
    )


def _latency(seconds: float, plots: Path) -> str:
    found = latency.measure(seconds, 1024)
    alone = found["idle"]
    text = (
        f"One delivery at a time on an idle server: {alone['answer_p50_ms']:.2f} ms at the median."
        f" The disk alone takes {alone['sync_p50_ms']:.2f} ms to keep as many bytes (a write and an"
        f" `fdatasync` into the same folder, right beside each delivery);"
        f" {alone['beyond_p50_ms']:.2f} ms are ours.\n\n"
        "Deliveries at a fixed rate, whatever the server does; each latency counts from the planned"
        f" moment. Full load is {found['full_per_second']:,.0f} a second.\n"
    )
    keys = ("p50_ms", "p99_ms", "p999_ms", "max_ms")
    rows = [
        [f"{row['share']:.0%}", f"{row['rate']:,.0f}", *(f"{row[key]:.2f}" for key in keys)]
        for row in found["loads"]
    ]
    lines = _table(["load", "a second", "p50 ms", "p99 ms", "p99.9 ms", "most ms"], rows)
    series = {
        name: [(row["share"] * 100, row[key]) for row in found["loads"]]
        for name, key in (("p50", "p50_ms"), ("p99", "p99_ms"))
    }
    chart = line_chart("Time to the answer", "per cent of full load", "milliseconds", series)
    (plots / "latency.svg").write_text(chart, "utf-8")
    return "\n".join([text, *lines, "", "![latency](benchmarks/latency.svg)", ""])


def _history(args: argparse.Namespace, plots: Path) -> str:
    """Measure a tenth of the history, then all of it."""
    points: list[tuple[float, float]] = [(0, 1.0)]
    with tempfile.TemporaryDirectory(prefix="hookagent-history-") as made:
        small = Path(made) / "bench.db"
        history.fill(small, args.events // 10)
        ratio = history.accept_rounds(Path(made), 1, args.seconds)["ratio"]
        points.append((args.events // 10, ratio))
    found = history.measure(
        args.keep,
        events=args.events,
        rounds=args.rounds,
        seconds=args.seconds,
        prune_seconds=args.prune_seconds,
    )
    points.append((args.events, found["accept"]["ratio"]))
    chart = line_chart(
        "Accept rate with a history, beside an empty store", "stored events", "ratio", {"": points}
    )
    (plots / "history.svg").write_text(chart, "utf-8")
    return "\n".join([*_history_lines(found), "", "![history](benchmarks/history.svg)", ""])


def _history_lines(found: dict[str, Any]) -> list[str]:
    seen, pruned = found["accept"], found["prune"]
    database, search = (f"{size:,.0f}" for size in found["bytes_per_event"].values())
    ratio = f"{seen['ratio']:.2f} x that of an empty store; by CPU {seen['cpu_ratio']:.2f} x"
    lines = [
        f"{found['events']:,} stored events of 1 KiB, each with a run.",
        "",
        f"- Accept: {ratio}.",
        f"- Memory of `serve` under that load: {seen['rss_mb']:.0f} MB.",
        f"- `serve` is ready after {seen['start_s']:.2f} s.",
        f"- On disk: {database} bytes an event, {search} more to search.",
    ]
    if pruned:
        much = "the older half" if pruned["is_whole"] else "a part of the older half"
        lines.append(
            f"- Prune of {much}, {pruned['pruned']:,.0f} events in {pruned['seconds']:.0f} s while"
            f" {history.ARRIVALS:.0f} deliveries a second come: these take"
            f" {pruned['accept_p99_ms']:.1f} ms (p99) and"
            f" {pruned['accept_max_ms']:.1f} ms at the most (before it"
            f" {pruned['before_p99_ms']:.1f} and {pruned['before_max_ms']:.1f}),"
            f" {pruned['rss_mb']:.0f} MB."
        )
    for title, key in (("first page of", "pages_ms"), ("search of bodies for", "searches_ms")):
        rows = [[name, f"{milliseconds:.1f}"] for name, milliseconds in found[key].items()]
        lines += ["", *_table([title, "ms"], rows)]
    return lines
