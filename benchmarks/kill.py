"""`python -m benchmarks kill`: kill -9 at random moments under load, and what was kept of it.

The long form of `tests/faults/test_kill.py`, as a table: how many events were promised (answered
with 200), how many of them are there afterwards, how often a completed step was run again, how
long a start after a crash takes. The witness and the verdict are those of the test.
"""

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.faults.oracle import EFFECTS, RULES, Witness, judge, settle
from tests.whole.served import serving, write_project

POSTGRES = "postgres"
LEASES = '\n[worker]\nlease = "2s"\n'


def measure(project: Path, times: int, seed: int) -> dict[str, object]:
    """Kill the agent that often under load, settle, judge; return the figures."""
    witness = Witness(seed=seed)
    starts: list[float] = []
    for number in range(1, times + 1):
        end = threading.Event()
        began = time.perf_counter()
        with serving(project) as agent:
            starts.append(time.perf_counter() - began)
            threads = witness.load(agent, end)
            time.sleep(witness.random.uniform(0.02, 0.6))  # the moment of the kill is random
            agent.kill()
            end.set()
            for thread in threads:
                thread.join()
        print(f"\r{number}/{times} kills", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    settle(project)
    broken = judge(project, witness)
    effects = (project / EFFECTS).read_text().splitlines()
    return {
        "kills": times,
        "acknowledged": len(witness.acknowledged),
        "answers": {str(status): count for status, count in witness.answers.items()},
        "lost": sum("is lost" in one for one in broken),
        "completed_steps_repeated": sum("run again" in one for one in broken),
        "other_broken_promises": [
            one for one in broken if "is lost" not in one and "run again" not in one
        ][:20],
        "effects": len(effects),
        "effects_repeated_by_interruption": len(effects) - len(set(effects)),
        "start_after_crash_s": {
            "median": round(statistics.median(starts), 2),
            "worst": round(max(starts), 2),
        },
    }


def measure_nodes(folder: Path, times: int, seed: int) -> dict[str, object]:
    """Kill any of three receivers and three workers on PostgreSQL that often, settle, judge."""
    from tests.faults import cluster
    from tests.store.postgres.cluster import own_cluster

    def told(number: int) -> None:
        print(f"\r{number}/{times} kills", end="", file=sys.stderr, flush=True)

    with own_cluster() as server:
        cluster.tracking_commits(server)
        nodes = cluster.Nodes(folder, f"{server.url}?schema=kill")
        with nodes.running():
            with cluster.Witness(nodes, seed=seed) as witness:
                starts = cluster.kill_at_random(nodes, times, seed=seed, told=told)
            print(file=sys.stderr)
            cluster.settle(nodes.url, wait_s=600)
        broken, late = cluster.judged(nodes, witness)
    effects = nodes.effects()
    return {
        "nodes": "3 receivers, 3 workers",
        "kills": times,
        "acknowledged": len(witness.acknowledged),
        "not_answered": witness.unanswered,
        "answers": {str(status): count for status, count in witness.answers.items()},
        "lost": sum("is lost" in one for one in broken),
        "completed_steps_repeated": sum("run again" in one for one in broken),
        "rules_over_time_wrong": sum("one player says" in one for one in broken),
        "out_of_order": [one for one in broken if "had ended" in one],
        "late_events": {"count": len(late), "slowest_commit_ms": max(late.values(), default=0)},
        "other_broken_promises": [
            one
            for one in broken
            if not any(
                words in one for words in ("is lost", "run again", "one player says", "had ended")
            )
        ][:20],
        "effects": effects.total(),
        "effects_repeated_by_interruption": effects.total() - len(effects),
        "start_s": {
            "median": round(statistics.median(starts), 2),
            "worst": round(max(starts), 2),
        },
    }


def main(arguments: list[str]) -> int:
    """Run and print; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks kill", description=__doc__)
    parser.add_argument("--times", type=int, default=1_000, help="how many kills (1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument(
        "--store", choices=("sqlite", POSTGRES), default="sqlite",
        help="one process on SQLite, or three receivers and three workers on PostgreSQL",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="for machines")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        if options.store == POSTGRES:
            found = measure_nodes(Path(folder), options.times, options.seed)
        else:
            project = write_project(Path(folder) / "kill", rules=RULES, more=LEASES)
            found = measure(project, options.times, options.seed)
    if options.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name.replace('_', ' '):36} {value}")
    broken = ("lost", "completed_steps_repeated", "rules_over_time_wrong", "out_of_order")
    is_kept = not (found["other_broken_promises"] or any(found.get(name) for name in broken))
    return 0 if is_kept else 1
