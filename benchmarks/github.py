"""`python -m benchmarks github FILE`: real GitHub deliveries through a running agent.

FILE holds captured deliveries (an event file of JSON Lines). Each is signed and sent; then it is
checked that every one is stored byte for byte, that every rule that a plain evaluation says fires
ran exactly once and had exactly one effect, and that a second pass is duplicates only.
"""

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.peers import SECRET
from hookagent import eventfile, payload
from hookagent.event import Event, RawRequest
from hookagent.providers import catalog
from hookagent.providers.sign import sign
from hookagent.rules.evaluate import select
from hookagent.rules.parse import read_rules
from hookagent.verdict import Code, Verdict

HERE = Path(__file__).resolve().parent
CONFIG = f"""
[server]
port = 0
max_body = "4 MiB"

[store]
url = "sqlite:///github.db"

[sources.github]
path = "/hooks/github"
scheme = "github"
secret = "{SECRET}"
"""
WAIT_S = 60.0


def main(argv: list[str]) -> int:
    """Send, check, print what was found; exit code 1 where anything is not as promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks github", description=__doc__)
    parser.add_argument("file", type=Path)
    args = parser.parse_args(argv)
    captures = list(eventfile.read(args.file.read_bytes(), name=str(args.file)))
    with tempfile.TemporaryDirectory(prefix="hookagent-github-") as made:
        return run(Path(made), captures)


def run(folder: Path, captures: list[eventfile.Captured]) -> int:
    """Run the whole check in a folder."""
    config = folder / "hookagent.toml"
    config.write_text(CONFIG)
    config.chmod(0o600)
    (folder / "rules").mkdir()
    rules = (HERE / "github_rules.toml").read_text("utf-8")
    (folder / "rules" / "github.toml").write_text(rules)
    requests = [signed(captured.request) for captured in captures]
    agent = subprocess.Popen(
        [sys.executable, "-m", "hookagent", "serve", "--json", "--no-inspector"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert agent.stdout is not None
        ready = json.loads(agent.stdout.readline())
        port = int(ready["listener"].rpartition(":")[2])
        first, took = send(port, requests)
        expected = expectation(rules, requests)
        wait_for(folder, sum(expected.values()))
        second, _ = send(port, requests)
    finally:
        os.kill(agent.pid, signal.SIGTERM)
        agent.communicate(timeout=30)
    return report(folder, requests, first, second, expected, took)


def signed(request: RawRequest) -> RawRequest:
    """Return a delivery signed as GitHub would."""
    return sign(catalog.scheme("github"), request, SECRET, now=time.time_ns() // 1_000_000)


def send(port: int, requests: list[RawRequest]) -> tuple[list[dict[str, str]], float]:
    """Send everything over one connection; return the answers and the seconds it took."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    answers = []
    started = time.perf_counter()
    for request in requests:
        headers = {n: v for n, v in request.headers.items() if n.lower() != "content-length"}
        connection.request("POST", "/hooks/github", request.body, headers)
        answers.append(json.loads(connection.getresponse().read()))
    took = time.perf_counter() - started
    connection.close()
    return answers, took


def expectation(rules: str, requests: list[RawRequest]) -> Counter[str]:
    """Return how often each rule must have run, by the plain loop of the rule language."""
    ruleset = read_rules([("github.toml", rules)])
    fired: Counter[str] = Counter()
    seen: set[bytes] = set()
    for request in requests:
        read = payload.read_json(request.body)
        assert isinstance(read, payload.Parsed)
        if request.body in seen:
            continue
        seen.add(request.body)
        name = request.headers.text("x-github-event") or ""
        action = read.value.get("action") if isinstance(read.value, dict) else None
        event = Event(
            id="evt",
            source="github",
            type=f"{name}.{action}" if action else name,
            request=request,
            verdict=Verdict(valid=True, scheme="github", code=Code.OK),
            payload=read.value,
        )
        fired.update(rule.name for rule in select(ruleset, event))
    return fired


def wait_for(folder: Path, lines: int) -> None:
    """Wait until that many effects were had."""
    deadline = time.monotonic() + WAIT_S
    path = folder / "done.txt"
    while time.monotonic() < deadline:
        if path.exists() and path.read_text().count("\n") >= lines:
            return
        time.sleep(0.05)


def report(  # noqa: PLR0913, PLR0917 - everything that was observed
    folder: Path,
    requests: list[RawRequest],
    first: list[dict[str, str]],
    second: list[dict[str, str]],
    expected: Counter[str],
    took: float,
) -> int:
    """Compare what was observed with what was promised, and print it."""
    import asyncio

    stored = asyncio.run(bodies(folder))
    effects = Counter((folder / "done.txt").read_text().splitlines())
    ran = Counter(line.split()[0] for line in effects)
    accepted = {
        a["id"]: r for a, r in zip(first, requests, strict=True) if a["status"] == "accepted"
    }
    same = sum(stored.get(event_id) == request.body for event_id, request in accepted.items())
    checks = {
        "deliveries": len(requests),
        "accepted": len(accepted),
        "repeated within the file": len(requests) - len(accepted),
        "stored byte for byte": same,
        "rules": len(expected),
        "runs expected": sum(expected.values()),
        "effects": sum(effects.values()),
        "effects had twice": sum(1 for count in effects.values() if count > 1),
        "duplicates in the second pass": sum(a["status"] == "duplicate" for a in second),
        "deliveries per second, one connection": round(len(requests) / took),
    }
    for name, value in checks.items():
        print(f"{name:40} {value}")
    good = (
        same == len(accepted)
        and ran == expected
        and max(effects.values()) == 1
        and all(answer["status"] == "duplicate" for answer in second)
    )
    print("as promised" if good else "NOT AS PROMISED")
    return 0 if good else 1


async def bodies(folder: Path) -> dict[str, bytes]:
    """Return every stored body by event id."""
    from hookagent.store.base import EventFilter
    from hookagent.store.registry import open_store

    store = open_store("sqlite:///github.db", folder, mode="tool")
    await store.open()
    found = {}
    try:
        for summary in await store.events(EventFilter(limit=10_000)):
            record = await store.event(summary.id)
            assert record is not None
            found[summary.id] = record.event.request.body
    finally:
        await store.close()
    return found
