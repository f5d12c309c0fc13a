"""`python -m benchmarks match`: from an event to the rules it matches, in microseconds.

The index beside a plain loop over the same compiled conditions, the reference evaluator, and the
rule engines that are installed (rule-engine, json_logic, cel, celpy, zen, durable_rules; install
them in an environment of their own). Every number is the best of several passes with the garbage
collector off; p50 and p99 are over events, each at its best.
"""

import argparse
import gc
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median, quantiles
from tempfile import TemporaryDirectory
from typing import Any, cast

import msgspec

from benchmarks import operator_sets, rulesets
from benchmarks.match_peers import peers
from hookagent.environment import Environment
from hookagent.event import Event
from hookagent.pipeline.overtime import Overtime
from hookagent.pipeline.rulebook import load_rulebook
from hookagent.rules import evaluate
from hookagent.rules.index import Matcher
from hookagent.rules.index.conjunctions import Splitter
from hookagent.rules.index.look import look_at
from hookagent.rules.index.nodes import Leaf
from hookagent.rules.model import RuleSet
from hookagent.rules.parse import read_rules
from hookagent.store.base import Store

PASSES = 7
LOOP_MAX = 10_000
"""Sizes beyond it are not put to the plain loop, which takes milliseconds there."""
REFERENCE_MAX = 100
PEER_SIZES = (10, 100, 1_000)
Row = dict[str, Any]


def best_us(work: Callable[[Event], object], events: Sequence[Event], passes: int) -> list[float]:
    """Return the best time of each event over some passes, in microseconds."""
    best = [float("inf")] * len(events)
    gc.collect()
    gc.disable()
    try:
        for _ in range(passes):
            for place, event in enumerate(events):
                started = time.perf_counter_ns()
                work(event)
                best[place] = min(best[place], time.perf_counter_ns() - started)
    finally:
        gc.enable()
    return [nanoseconds / 1000 for nanoseconds in best]


def loop_of(ruleset: RuleSet) -> Callable[[Event], list[int]]:
    """Return the plain loop: every rule's compiled conditions, values reached once per event."""
    splitter = Splitter()
    entries = [
        (number, tuple(term.check for term in terms))
        for number, rule in enumerate(ruleset.rules)
        for terms in splitter.split(rule)
    ]
    leaf = Leaf(entries)

    def loop(event: Event) -> list[int]:
        found: list[int] = []
        leaf.visit(look_at(event), found)
        return found

    return loop


def resident_mb() -> float:
    """Return this process's memory in MB, 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return 0.0
    return pages * 4096 / 1e6


def built(ruleset: RuleSet) -> tuple[Matcher, Row]:
    """Build a matcher; return it with how long that took and what it weighs."""
    gc.collect()
    before = resident_mb()
    started = time.perf_counter()
    matcher = Matcher(ruleset)
    seconds = time.perf_counter() - started
    gc.collect()
    return matcher, {"build_s": round(seconds, 3), "memory_mb": round(resident_mb() - before, 1)}


def row_of(kind: str, size: int, events: Sequence[Event], passes: int) -> Row:
    """Measure one rule set."""
    ruleset = rulesets.KINDS_OF_RULES[kind](size, 1)
    matcher, row = built(ruleset)
    for event in events[:: max(1, len(events) * size // 100_000)]:
        assert matcher.match(event) == evaluate.select(ruleset, event), event.id
    times = best_us(matcher.match, events, passes)
    row = {"rules": kind, "count": size, "match_us": mean(times), **row}
    row |= {"p50_us": median(times), "p99_us": quantiles(times, n=100)[98]}
    row["matches"] = mean(len(matcher.match(event)) for event in events)
    bare = [msgspec.structs.replace(event, payload=None) for event in events]
    row["bytes_us"] = mean(best_us(matcher.match_bytes, bare, passes))
    if size <= LOOP_MAX:
        row["loop_us"] = mean(best_us(loop_of(ruleset), events, 2 if size > 100 else passes))
    if size <= REFERENCE_MAX:
        reference = best_us(lambda event: evaluate.select(ruleset, event), events, 2)
        row["reference_us"] = mean(reference)
    return row


def peer_rows(events: Sequence[Event], sizes: Sequence[int]) -> list[Row]:
    """Measure the installed engines on rules that all of them can say."""
    rows: list[Row] = []
    for size in sizes:
        rules = rulesets.plain(size, 2)
        matcher = Matcher(rulesets.of_plain(rules))
        expected = [len(matcher.match(event)) for event in events]
        rows.append(
            {
                "engine": "hookagent",
                "count": size,
                "us": mean(best_us(matcher.match, events, PASSES)),
            }
        )
        for name, prepare in peers():
            match = prepare(rules)
            few = events[: max(5, 2_000 // size)]
            agreed = [match(event.payload) for event in few] == expected[: len(few)]
            times = best_us(_of_payload(match), few, 2)
            rows.append({"engine": name, "count": size, "us": mean(times), "agrees": agreed})
    return rows


def _of_payload(match: Callable[[Any], int]) -> Callable[[Event], int]:
    return lambda event: match(event.payload)


def reload_row(count: int) -> Row:
    """Measure reading and compiling a file of rules, in seconds of this process's time."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "rules.toml").write_text(rulesets.written(count, 1), "utf-8")
        times = []
        for _ in range(3):
            started = time.process_time()
            load_rulebook([place], place, Environment({}))
            times.append(time.process_time() - started)
    return {"rules": count, "cpu_s": min(times)}


def hit_us(condition: str, batch: int = 200) -> float:
    """Measure one event of a rule over time, its commit's bytes included; the best batch's mean."""
    ruleset = read_rules([("rules.toml", rulesets.over_time(condition))])
    overtime = Overtime(cast("Store", None))  # asked only when a process begins
    overtime.use(ruleset, lambda _event: ())
    events = [
        rulesets.event("shop", "order", {"host": f"h{number % 50}"}, number)
        for number in range(100 * batch)
    ]
    best = float("inf")
    for first in range(0, len(events), batch):
        started = time.perf_counter_ns()
        for event in events[first : first + batch]:
            overtime.judge(event, ruleset.rules)
        overtime.writes()
        overtime.commit()
        best = min(best, (time.perf_counter_ns() - started) / batch / 1000)
    return best


def operator_rows(count: int, passes: int) -> list[Row]:
    """Measure each operator where it is all that tells the rules apart.

    Each event at its best of several passes, and the first time it is seen: the median of events,
    since there is one pass of it.
    """
    events = operator_sets.events(60, 1)
    rows: list[Row] = []
    for name, line in operator_sets.OPERATORS.items():
        ruleset = operator_sets.rules(line, count)
        matcher = Matcher(ruleset)
        assert matcher.match(events[0]) == evaluate.select(ruleset, events[0]), name
        first = best_us(matcher.match, events[1:], 1)
        rows.append(
            {
                "operator": name,
                "seen_us": mean(best_us(matcher.match, events, passes)),
                "first_us": median(first),
                "matches": mean(len(matcher.match(event)) for event in events),
            }
        )
    return rows


def decode_us(events: Sequence[Event]) -> float:
    """Return what a full decode of a body takes."""
    decode = msgspec.json.Decoder().decode
    return mean(best_us(lambda event: decode(event.request.body), events, PASSES))


def measure(options: argparse.Namespace) -> Row:
    """Measure everything that was asked for."""
    payloads = Path(options.payloads) if options.payloads else None
    events = rulesets.events(options.events, 1, payloads)
    hot = [event for event in events if event.type in {"issues", "pull_request"}]
    machine = rulesets.machine_events(min(300, options.events), 1)
    of_kind = {"mixed": events, "broad": hot, "detections": machine}
    sizes = [int(size) for size in options.sizes.split(",")]
    rows = [
        row_of(kind, size, of_kind[kind], options.passes)
        for kind in of_kind
        for size in sizes
        if size <= (MOST[kind] if not options.all else max(sizes))
    ]
    return {
        "body_bytes": mean(len(event.request.body) for event in events),
        "full_decode_us": decode_us(events),
        "rows": rows,
        "reload": reload_row(options.reload),
        "over_time": {name: hit_us(said) for name, said in rulesets.OVER_TIME.items()},
        "operators": operator_rows(options.operators, options.passes) if options.operators else [],
        "peers": peer_rows(events, PEER_SIZES if options.peers else ()),
    }


MOST = {"mixed": 100_000, "broad": 10_000, "detections": 10_000}
COLUMNS = (
    "rules", "count", "match_us", "p50_us", "p99_us", "bytes_us", "loop_us",
    "reference_us", "matches", "build_s", "memory_mb",
)  # fmt: skip


def shown(result: Row) -> str:
    """Return the result as tables."""
    lines = [
        f"bodies of {result['body_bytes']:,.0f} bytes, read in {result['full_decode_us']:.1f} us",
        "",
        "".join(f"{column:>13}" for column in COLUMNS),
    ]
    lines += ["".join(_cell(row.get(column)) for column in COLUMNS) for row in result["rows"]]
    lines += [
        "",
        "{rules:,} rules of a file read and compiled in {cpu_s:.2f} s".format(**result["reload"]),
    ]
    lines += [f"one event of a {name}: {us:.2f} us" for name, us in result["over_time"].items()]
    if result["operators"]:
        lines += ["", f"{'operator':>28}{'seen us':>12}{'first us':>12}{'matches':>12}"]
    for row in result["operators"]:
        values = (row["seen_us"], row["first_us"], row["matches"])
        lines.append(f"{row['operator']:>28}" + "".join(f"{value:>12,.1f}" for value in values))
    if result["peers"]:
        lines += ["", f"{'engine':>28}{'rules':>8}{'us':>14}"]
    for row in result["peers"]:
        note = "" if row.get("agrees", True) else "  (gives other answers)"
        lines.append(f"{row['engine']:>28}{row['count']:>8}{row['us']:>14,.1f}{note}")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:>13,.2f}"
    return f"{'-' if value is None else value:>13}"


def main(argv: list[str]) -> int:
    """Measure and print a table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks match", description=__doc__)
    parser.add_argument("--payloads", help="event file whose deliveries are varied")
    parser.add_argument("--sizes", default="10,100,1000,10000,100000")
    parser.add_argument("--events", type=int, default=600)
    parser.add_argument("--reload", type=int, default=10_000, help="rules of the file to read")
    parser.add_argument("--passes", type=int, default=PASSES)
    parser.add_argument("--all", action="store_true", help="every kind at every size")
    parser.add_argument(
        "--operators",
        type=int,
        nargs="?",
        const=10_000,
        default=0,
        metavar="RULES",
        help="each operator, where it is all that tells so many rules apart (10,000)",
    )
    parser.add_argument("--peers", action="store_true", help="other engines that are installed")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    result = measure(options)
    print(json.dumps(result) if options.json else shown(result))
    return 0
