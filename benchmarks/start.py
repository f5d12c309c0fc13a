"""`python -m benchmarks start`: what it costs to begin: help, sign, and serve until it is ready."""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.servers import server

COMMANDS = {
    "help": ["--help"],
    "sign": ["sign", "--scheme", "github", "--secret", "0123456789abcdef01234567", "--data", "{}"],
    "schemes": ["schemes", "stripe"],
}


def cpu_of(arguments: list[str], folder: Path) -> float:
    """Return the CPU seconds of one command, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "hookagent", *arguments], cwd=folder, check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def until_ready() -> float:
    """Return the seconds from the start of `serve` until its port answers."""
    started = time.perf_counter()
    with server("hookagent"):
        return time.perf_counter() - started


def main(argv: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in COMMANDS.items():
            cpu_of(arguments, Path(folder))
            times = [cpu_of(arguments, Path(folder)) for _ in range(args.rounds)]
            found[f"{name}, CPU s"] = median(times)
    found["serve until ready, s"] = median(until_ready() for _ in range(args.rounds))
    if args.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:24} {value:6.3f}")
    return 0
