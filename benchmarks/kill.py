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


def main(arguments: list[str]) -> int:
    """Run and print; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks kill", description=__doc__)
    parser.add_argument("--times", type=int, default=1_000, help="how many kills (1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--json", action="store_true", help="for machines")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        project = write_project(Path(folder) / "kill", rules=RULES, more=LEASES)
        found = measure(project, options.times, options.seed)
    if options.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name.replace('_', ' '):36} {value}")
    is_kept = not (
        found["lost"] or found["completed_steps_repeated"] or found["other_broken_promises"]
    )
    return 0 if is_kept else 1
