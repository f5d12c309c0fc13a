"""`python -m benchmarks capacity`: how many machines for how many events, by simulation.

    (nothing)      the table: from 10 events/s to a billion a day, from the costs kept below
    --measure      measure the costs here, print them, and make the table from them
    --validate     one real fleet under load beside its simulation, and how far the two are apart

The simulation is fleet.py. Costs are those of events that fire one rule of ten with one `log` step;
rules that do more cost more, and what an action waits for others costs no machine of ours.
"""

import argparse
import json
import math
import os
import time
from dataclasses import asdict, dataclass
from functools import cache
from statistics import median
from typing import Any

from benchmarks.costs import Costs, measured
from benchmarks.costs import Fleet as RealFleet
from benchmarks.fleet import GAP_S, Fleet, Machines, Outcome, Traffic, percentile, steady
from benchmarks.pipeline import rules
from benchmarks.scale import Database, load, nodes, schema
from tests.store.postgres.cluster import own_cluster

DAY_S = 86_400
PEAK = 3.0
RATES = (10.0, 100.0, 1_000.0, 5_000.0, 1e9 / DAY_S)
"""Means, events a second; the last is a billion a day."""
FULL = 0.6
"""Which part of what a fleet bears the peak may be; the rest is for what was not simulated."""
ACCEPT_S = 0.1
END_S = 2.0
"""What 99 of 100 deliveries must be answered, and events worked off, within."""
SHARED = 64
"""Events in a commit of a busy fleet; where the search for one begins."""
SLACK = 0.05
"""By how much the next fleet tried is larger."""
LATE = 0.05
"""How much longer than the arrivals last a fleet may be at work on them."""
EVENTS_MAX = 30_000
"""In one simulation."""
PAGE_BYTES = 8_192

KEPT = {
    1024: Costs(
        receive=43.6, receive_commit=1210.0, work=88.3, work_commit=653.1, database=104.7,
        database_commit=583.1, accept_share=0.341, work_commits=3.0, idle_node=5601.0,
        idle_database=1600.0, log_bytes=3885.0, log_bytes_light=4584.0, table_bytes=3081.0,
        network_bytes=3878.0, connections_receiver=4, connections_worker=6,
    ),
    10240: Costs(
        receive=79.0, receive_commit=1404.0, work=112.6, work_commit=745.1, database=178.0,
        database_commit=819.1, accept_share=0.517, work_commits=3.1, idle_node=7359.0,
        idle_database=1226.0, log_bytes=9000.0, log_bytes_light=9800.0, table_bytes=9000.0,
        network_bytes=22312.0, connections_receiver=4, connections_worker=6,
    ),
}  # fmt: skip
"""By size of the body; measured on two cores of a shared virtual machine, Python 3.11.

The bytes of 10 KiB are those of JSON whose values vary: the load's padding, which `--measure`
sends, would compress to next to nothing."""


@dataclass(frozen=True, slots=True)
class Need:
    """What one rate needs."""

    mean: float
    size: int
    machines: Machines
    outcome: Outcome
    busy: dict[str, float]
    """How busy each kind of machine is at the peak."""
    saturates_at: float
    """Events a second beyond which this fleet falls behind, by its busiest kind."""
    connections: int
    tables_gb: float
    """A day."""
    log_gb: float
    """A day."""
    network_mbit: float
    """At the peak, at the database."""


def need(mean: float, size: int, costs: Costs) -> Need:
    """Find the smallest fleet that keeps up with more than the peak; let a day pass over it.

    How busy machines are tells little, as commits are shared the more the busier they are: so what
    is asked for is that a rate of `peak / FULL` is kept up with.
    """
    rate = mean * PEAK / FULL
    seconds = min(max(EVENTS_MAX / rate, 0.7), 20.0)
    slack = 1.0
    while True:
        machines = _balanced(rate * slack, costs)
        outcome = Fleet(machines, costs, steady(rate, seconds)).run()
        if keeps_up(outcome, seconds):
            break
        slack += SLACK
    day = Traffic(mean=mean, peak=PEAK, seconds=min(max(EVENTS_MAX / mean, 4.0), 60.0))
    at_peak = Fleet(machines, costs, steady(mean * PEAK, seconds)).run()
    return Need(
        mean=mean,
        size=size,
        machines=machines,
        outcome=Fleet(machines, costs, day).run(),
        busy=shares(machines, at_peak),
        saturates_at=saturation(machines, costs),
        connections=round(
            machines.receivers * costs.connections_receiver
            + machines.workers * costs.connections_worker
        ),
        tables_gb=costs.table_bytes * mean * DAY_S / 1e9,
        log_gb=costs.log_bytes * mean * DAY_S / 1e9,
        network_mbit=costs.network_bytes * mean * PEAK * 8 / 1e6,
    )


def keeps_up(outcome: Outcome, seconds: float) -> bool:
    """Tell whether a fleet bore a steady rate for so long."""
    return (
        percentile(outcome.accepts, 0.99) <= ACCEPT_S
        and percentile(outcome.ends, 0.99) <= END_S
        and outcome.lasted - seconds <= max(LATE * seconds, 2 * GAP_S)
    )


def _balanced(rate: float, costs: Costs) -> Machines:
    """Return as many of each kind as that rate takes where `SHARED` events share a commit."""
    commits = (1 + costs.work_commits) / SHARED
    wanted = (
        costs.receive + costs.receive_commit / SHARED,
        costs.work + costs.work_commit * costs.work_commits / SHARED,
        costs.database + costs.database_commit * commits,
    )
    receivers, workers, cores = (max(2, math.ceil(rate * each / 1e6)) for each in wanted)
    return Machines(receivers=receivers, workers=workers, cores=cores)


def shares(machines: Machines, outcome: Outcome) -> dict[str, float]:
    """Return how busy each kind of machine was."""
    counts = {
        "receivers": machines.receivers,
        "workers": machines.workers,
        "database": machines.cores,
    }
    return {kind: used / counts[kind] / outcome.lasted for kind, used in outcome.busy.items()}


@cache
def saturation(machines: Machines, costs: Costs) -> float:
    """Find the rate beyond which a fleet does not keep up, within a tenth."""
    high = 1.1e6 * min(
        machines.receivers / costs.receive,
        machines.workers / costs.work,
        machines.cores / costs.database,
    )
    low = high / 16
    while high / low > 1.1:
        rate = math.sqrt(low * high)
        if _bears(machines, costs, rate):
            low = rate
        else:
            high = rate
    return low


def _bears(machines: Machines, costs: Costs, rate: float) -> bool:
    seconds = min(max(EVENTS_MAX / rate, 0.7), 10.0)
    return keeps_up(Fleet(machines, costs, steady(rate, seconds)).run(), seconds)


def table(costs: dict[int, Costs]) -> list[Need]:
    """Find what each rate needs."""
    return [need(mean, size, of) for size, of in costs.items() for mean in RATES]


def _row(one: Need) -> dict[str, Any]:
    accepts, ends = one.outcome.accepts, one.outcome.ends
    return {
        "body": one.size,
        "mean_per_s": round(one.mean, 1),
        "peak_per_s": round(one.mean * PEAK, 1),
        "receivers": one.machines.receivers,
        "workers": one.machines.workers,
        "database_cores": one.machines.cores,
        "busy": {kind: round(share, 2) for kind, share in one.busy.items()},
        "saturates_at": round(one.saturates_at),
        "accept_p50_ms": round(percentile(accepts, 0.5) * 1e3, 1),
        "accept_p99_ms": round(percentile(accepts, 0.99) * 1e3, 1),
        "end_p50_ms": round(percentile(ends, 0.5) * 1e3, 1),
        "end_p99_ms": round(percentile(ends, 0.99) * 1e3, 1),
        "waiting_max": one.outcome.waiting_max,
        "events_per_commit": round(len(accepts) / max(one.outcome.commits, 1), 1),
        "connections": one.connections,
        "tables_gb_a_day": round(one.tables_gb, 1),
        "log_gb_a_day": round(one.log_gb, 1),
        "log_gb_a_day_at_worst": round(one.log_gb + PAGE_BYTES * one.mean * DAY_S / 1e9, 1),
        "network_mbit_at_peak": round(one.network_mbit, 1),
    }


def validate(args: argparse.Namespace, costs: Costs) -> dict[str, Any]:
    """Measure one real fleet of one receiver and one worker, and simulate the same."""
    with own_cluster(is_durable=True) as cluster:
        database = Database(cluster.url)
        flush_s = _flush_s(database)
        with schema(database) as url, nodes(url, rules()) as made:
            made.receiver("receive")
            made.worker()
            name = url.rpartition("=")[2]
            port = database.url.rpartition(":")[2].partition("/")[0]
            real = RealFleet(made, database, name, port)
            load(made.ports, 16, seconds=2.0)
            real.drain()
            idle = real.during(lambda: time.sleep(args.idle))
            slow = [slowness()]
            before, began = real.spent(), time.monotonic()
            (answers,) = load(made.ports, 64, rate=args.rate, seconds=args.seconds)
            sent_s = time.monotonic() - began
            slow.append(slowness())
            real.drain()
            spent = real.spent().since(before).beyond(idle)
            ends = [_end_ms(database, name, answers["requests"], share) for share in (0.5, 0.99)]
        database.close()
    stretch = median(slow)
    machines = Machines(
        receivers=1, workers=1, cores=len(os.sched_getaffinity(0)), flush_s=flush_s,
        slowness=stretch,
    )  # fmt: skip
    outcome = Fleet(machines, costs, steady(args.rate, args.seconds)).run()
    seen = {
        "receiver_cpu_us": spent.receiver / spent.events * 1e6,
        "worker_cpu_us": spent.worker / spent.events * 1e6,
        "database_cpu_us": spent.database / spent.events * 1e6,
        "events_per_commit": spent.events / spent.arrivals,
        "accept_p50_ms": answers["p50_ms"],
        "accept_p99_ms": answers["p99_ms"],
        "end_p50_ms": ends[0],
        "end_p99_ms": ends[1],
    }
    events = len(outcome.accepts)
    said = {
        "receiver_cpu_us": outcome.busy["receivers"] / stretch / events * 1e6,
        "worker_cpu_us": outcome.busy["workers"] / stretch / events * 1e6,
        "database_cpu_us": outcome.busy["database"] / stretch / events * 1e6,
        "events_per_commit": events / outcome.commits,
        "accept_p50_ms": percentile(outcome.accepts, 0.5) * 1e3,
        "accept_p99_ms": percentile(outcome.accepts, 0.99) * 1e3,
        "end_p50_ms": percentile(outcome.ends, 0.5) * 1e3,
        "end_p99_ms": percentile(outcome.ends, 0.99) * 1e3,
    }
    return {
        "rate": args.rate,
        "sent_s": sent_s,
        "slowness": stretch,
        "flush_ms": flush_s * 1e3,
        "measured": seen,
        "simulated": said,
        "ratio": {key: said[key] / value for key, value in seen.items() if value},
    }


def slowness(seconds: float = 0.5) -> float:
    """Return how long a busy process takes here for a second of CPU: 1 on a machine of its own."""
    began, used = time.perf_counter(), time.process_time()
    while time.process_time() - used < seconds:
        pass
    return (time.perf_counter() - began) / (time.process_time() - used)


def _flush_s(database: Database) -> float:
    """Return what a commit waits for the disk: the median of fifty."""
    took = []
    for _ in range(50):
        began = time.perf_counter()
        database.one("SELECT (pg_logical_emit_message(true, 'a', 'b') IS NOT NULL)::int")
        took.append(time.perf_counter() - began)
    return median(took)


def _end_ms(database: Database, name: str, last: int, share: float) -> int:
    """Return the milliseconds from arrival to the end of the run for the newest events."""
    return database.one(
        f"SELECT percentile_disc({share}) WITHIN GROUP (ORDER BY took) FROM ("
        f"SELECT r.ended_at - e.received_at AS took FROM {name}.runs AS r"
        f" JOIN {name}.events AS e ON e.seq = r.event_seq ORDER BY e.seq DESC LIMIT {last}) AS t"
    )


def main(argv: list[str]) -> int:
    """Simulate, and measure where asked; print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks capacity", description=__doc__)
    parser.add_argument("--measure", action="store_true", help="measure the costs here first")
    parser.add_argument(
        "--validate", action="store_true", help="a real fleet beside its simulation"
    )
    parser.add_argument("--sizes", default="1024,10240", help="of bodies, in bytes")
    parser.add_argument(
        "--idle", type=float, default=12.0, help="seconds of rest that are measured"
    )
    parser.add_argument("--light", type=float, default=40.0, help="seconds of one event at a time")
    parser.add_argument("--events", type=int, default=6_000, help="of the shared commits")
    parser.add_argument("--rate", type=float, default=60.0, help="of --validate, events a second")
    parser.add_argument("--seconds", type=float, default=20.0, help="of --validate")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    sizes = [int(size) for size in args.sizes.split(",")]
    costs = measured(sizes, args) if args.measure else {size: KEPT[size] for size in sizes}
    if args.validate:
        print(json.dumps(validate(args, costs[sizes[0]]), indent=None if args.json else 2))
        return 0
    rows = [_row(one) for one in table(costs)]
    if args.json:
        told = {size: asdict(of) for size, of in costs.items()}
        print(json.dumps({"costs": told, "table": rows}))
        return 0
    for size, of in costs.items():
        print(f"{size} B: " + ", ".join(f"{key} {value:.1f}" for key, value in asdict(of).items()))
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items()))
    return 0
