"""What `hookagent stats` writes for people: plots, tables, causes, and how things stand now."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookagent.cli import output
from hookagent.cli.live import duration
from hookagent.cli.output import Ink
from hookagent.cli.plot import rate, sparkline

if TYPE_CHECKING:
    from hookagent.pipeline.statistics.report import Report, Row, Times
    from hookagent.pipeline.targets import Target
    from hookagent.store.base import SourceStats, StoreStats

PLOTS = (
    ("events", "accepted"), ("duplicates", "duplicate"), ("refused", "rejected"),
    ("runs done", "done"), ("runs dead", "dead"),
)  # fmt: skip
LABEL = 12
"""Columns before a plot."""
SUFFIX = 34
"""Columns after it: the sum, the rate, the highest."""
BARS_LEAST, BARS_MOST = 12, 120
ROWS_MOST = 15
"""Of types, rules and actions; JSON has them all."""
CAUSES_MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Everything there is to show."""

    now: int
    words: str
    """The stretch of time as it was typed."""
    stats: "StoreStats"
    sources: "Sequence[SourceStats]"
    report: "Report"
    targets: "Sequence[Target]"


def bars(columns: int) -> int:
    """Return how many bars fit."""
    beside = columns - LABEL - SUFFIX if columns >= output.NARROW else columns - LABEL
    return min(max(beside, BARS_LEAST), BARS_MOST)


def write(shown: Shown) -> None:
    """Write it all."""
    _plots(shown.report)
    _sources(shown)
    report = shown.report
    _table("type", ("events", "dead"), report.types, _of_type)
    _table("rule", ("runs", "done", "retries", "dead", *QUANTILES), report.rules, _of_rule)
    _table("action", ("tries", "done", "failed", *QUANTILES), report.actions, _of_action)
    _failures(report)
    _now(shown)


QUANTILES = ("p50", "p95", "p99")


def _plots(report: "Report") -> None:
    total = report.total
    shown = [(label, word) for label, word in PLOTS if word in total.bars]
    if not shown:
        return
    output.data(Ink(f"one bar is {_length(report.step_ms)}", "dim"))
    is_wide = not output.is_terminal() or output.width() >= output.NARROW
    for label, word in shown:
        numbers = total.bars[word]
        number = sum(numbers)
        line = sparkline(numbers, getattr(sys.stdout, "encoding", None))
        often = rate(number, report.until - report.since)
        said = f"  {number}  {often}, most {max(numbers)} in {_length(report.step_ms)}"
        output.data(f"{label:<{LABEL}}{line}{said if is_wide else ''}")
    output.data("")


def _sources(shown: Shown) -> None:
    rows = {row.name: row for row in shown.report.sources}
    columns = ("source", f"events ({shown.words})", "duplicates", "refused", "last", *QUANTILES)
    output.table(columns, [_source(one, rows.get(one.source), shown.now) for one in shown.sources])


def _source(one: "SourceStats", row: "Row | None", now: int) -> tuple[str, ...]:
    heard = one.last_received_at
    last = f"{duration(max(now - heard, 0))} ago" if heard else "never"
    counts = map(str, (one.events, one.duplicates, one.rejected))
    return (one.source, *counts, last, *_quantiles(row.times.get("answer") if row else None))


def _of_type(row: "Row") -> tuple[str, ...]:
    return (_count(row, "accepted"), _count(row, "dead"))


def _of_rule(row: "Row") -> tuple[str, ...]:
    counts = (_count(row, word) for word in ("begun", "done", "waiting", "dead"))
    return (*counts, *_quantiles(row.times.get("run")))


def _of_action(row: "Row") -> tuple[str, ...]:
    done = row.counts.get("done", 0)
    return (str(row.weight), str(done), str(row.weight - done), *_quantiles(row.times.get("try")))


def _count(row: "Row", word: str) -> str:
    return str(row.counts.get(word, 0))


def _quantiles(times: "Times | None") -> tuple[str, ...]:
    if times is None:
        return ("-",) * 3
    return tuple(_ms(value) for value in (times.p50, times.p95, times.p99))


def _ms(value: int | None) -> str:
    if value is None:
        return "-"
    return duration(value) if value else "<1 ms"


def _table(
    kind: str,
    columns: Sequence[str],
    rows: "Sequence[Row]",
    cells: "Callable[[Row], tuple[str, ...]]",
) -> None:
    """Write the most frequent of a kind; without a terminal each row says its kind."""
    if not rows:
        return
    is_terminal = output.is_terminal()
    if is_terminal:
        output.data("")
    shown = rows[:ROWS_MOST]
    prefix = "" if is_terminal else f"{kind} "
    output.table((kind, *columns), [(prefix + row.name, *cells(row)) for row in shown])
    if len(rows) > len(shown):
        output.data(Ink(f"and {len(rows) - len(shown)} more: --json", "dim"))


def _failures(report: "Report") -> None:
    """Write why things failed, the most frequent first."""
    found = sorted(_causes(report), reverse=True)[:ROWS_MOST]
    if not found:
        return
    output.data("")
    digits = len(str(found[0][0]))
    for count, where, cause in found:
        output.data(
            f"{count:>{digits}} x " if output.is_terminal() else f"failed\t{count}\t",
            Ink(where, "bold"), "  " if output.is_terminal() else "\t", output.safe_line(cause),
        )  # fmt: skip


def _causes(report: "Report") -> Iterable[tuple[int, str, str]]:
    for kind, rows in (
        ("source", report.sources), ("rule", report.rules), ("action", report.actions),
    ):  # fmt: skip
        for row in rows:
            for cause, count in list(row.causes.items())[:CAUSES_MOST]:
                yield count, f"{kind} {row.name}", cause


def _now(shown: Shown) -> None:
    stats, now = shown.stats, shown.now
    if output.is_terminal():
        output.data("")
    runs = ", ".join(f"{count} {state}" for state, count in sorted(stats.runs.items()))
    output.data(f"runs     {runs or 'none'}")
    since_then = duration(max(now - stats.oldest_unrouted_at, 0))
    waiting = f", the oldest for {since_then}" if stats.unrouted else ""
    output.data(f"queue    {stats.unrouted} events not yet routed{waiting}")
    for target in shown.targets:
        again = f", tried again in {duration(target.until - now)}" if target.until > now else ""
        output.data(
            f"target   {target.target} {target.state}, {target.failures} failures in a row{again}"
        )
    output.data(f"store    {stats.events} events, {stats.size_bytes / 1024**2:.1f} MiB")


def _length(milliseconds: int) -> str:
    minutes = milliseconds // 60_000
    for unit, length in (("day", 1_440), ("hour", 60)):
        if minutes >= length and minutes % length == 0:
            number = minutes // length
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return f"{minutes} min"
