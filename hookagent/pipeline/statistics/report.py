"""What happened over a stretch of time: totals by subject, causes, latencies, and bars to plot.

The same figures for `hookagent stats`, its JSON and the overview. Stretches are counted whole, so
the ends are as exact as what is kept (`keeper.WIDER`).
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from hookagent.pipeline.statistics.figures import Figures, Subject, decode
from hookagent.pipeline.statistics.histogram import Histogram, quantile
from hookagent.store.base import Stretch

MINUTE_MS = 60_000
STEPS_MS = tuple(
    minutes * MINUTE_MS
    for minutes in (1, 2, 5, 10, 20, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 10_080, 43_200)
)
"""What a bar may stand for."""
PLOTTED = ("accepted", "duplicate", "rejected", "done", "dead")
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies in milliseconds; None where nothing was measured."""

    count: int
    p50: int | None
    p95: int | None
    p99: int | None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One subject."""

    name: str
    counts: dict[str, int]
    times: dict[str, Times]
    causes: dict[str, int]
    bars: dict[str, list[int]]
    """Over time, by what was counted; only what is plotted and not all zero."""

    @property
    def weight(self) -> int:
        """How much was counted in all."""
        return sum(self.counts.values())


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one stretch of time."""

    since: int
    until: int
    step_ms: int
    """What one bar stands for."""
    bars_from: int
    """When the first bar begins."""
    total: Row
    """All sources together, with the latencies of answers and runs."""
    sources: list[Row]
    types: list[Row]
    rules: list[Row]
    actions: list[Row]


def report(
    stretches: Sequence[Stretch], *, since: int, until: int, bars: int, source: str = ""
) -> Report:
    """Add up stretches; at most so many bars. `source` leaves only that one and its types."""
    step = _step(stretches, since, until, bars)
    begin = since // step * step
    count = max((until - 1) // step - begin // step + 1, 1)
    whole, plotted = Figures(), _Bars(count)
    for stretch in stretches:
        figures = decode(stretch.data)
        whole.merge(figures)
        place = min(max((stretch.at - begin) // step, 0), count - 1)
        plotted.add(figures, place)
    whole.tighten()
    rows = {
        kind: sorted(
            (
                _row(name, subject, plotted.of(kind, name))
                for name, subject in subjects.items()
                if _is_wanted(kind, name, source)
            ),
            key=lambda row: (-row.weight, row.name),
        )
        for kind, subjects in whole.subjects.items()
    }
    return Report(
        since=since,
        until=until,
        step_ms=step,
        bars_from=begin,
        total=_total(whole, rows["source"], count),
        sources=rows["source"],
        types=rows["type"],
        rules=rows["rule"] if not source else [],
        actions=rows["action"] if not source else [],
    )


def _is_wanted(kind: str, name: str, source: str) -> bool:
    if not source:
        return True
    return name == source if kind == "source" else name.startswith(f"{source}/")


def _step(stretches: Sequence[Stretch], since: int, until: int, bars: int) -> int:
    """Return how long a bar is: few enough, and none shorter than what is known."""
    known = max((one.span for one in stretches), default=MINUTE_MS)
    least = max(known, -(-(until - since) // max(bars, 1)))
    return next((step for step in STEPS_MS if step >= least), -(-least // MINUTE_MS) * MINUTE_MS)


class _Bars:
    """What is plotted, by subject, word and place."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._found: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(dict)

    def add(self, figures: Figures, place: int) -> None:
        for kind in ("source", "rule"):
            for name, subject in figures.subjects[kind].items():
                for word in PLOTTED:
                    if number := subject.counts.get(word):
                        bars = self._found[kind, name].setdefault(word, [0] * self._count)
                        bars[place] += number

    def of(self, kind: str, name: str) -> dict[str, list[int]]:
        return self._found.get((kind, name), {})


def _row(name: str, subject: Subject, bars: dict[str, list[int]]) -> Row:
    return Row(
        name=name,
        counts=dict(sorted(subject.counts.items())),
        times={what: _times(found) for what, found in sorted(subject.times.items())},
        causes=dict(sorted(subject.causes.items(), key=lambda item: (-item[1], item[0]))),
        bars=bars,
    )


def _times(histogram: Histogram) -> Times:
    found = {name: quantile(histogram, share) for name, share in SHARES.items()}
    return Times(count=sum(histogram.values()), **found)


def _total(whole: Figures, sources: Sequence[Row], count: int) -> Row:
    """Add up the sources that are shown."""
    all_of_them = Figures()
    names = {row.name for row in sources}
    for name, subject in whole.subjects["source"].items():
        if name in names:
            one = Figures()
            one.subjects["source"][""] = subject
            all_of_them.merge(one)
    bars: dict[str, list[int]] = {}
    for row in sources:
        for word, numbers in row.bars.items():
            before = bars.get(word, [0] * count)
            bars[word] = [one + other for one, other in zip(before, numbers, strict=True)]
    return _row("", all_of_them.subjects["source"].get("", Subject()), bars)


def document(found: Report) -> dict[str, Any]:
    """Return a report as JSON has it; fields are only ever added."""
    shown: dict[str, Any] = msgspec.to_builtins(found)
    return shown
