"""An independent witness: notes every answer it got and every effect an action had, then judges.

It knows nothing of hookagent's inside: acknowledgements come from the socket, effects from the file
that the rule's action appends to, and the verdict is reached with the store's own read commands and
SQLite's own integrity check.
"""

import http.client
import json
import random
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE_S
from tests.whole.served import Served, lines, run, serving, signature

EFFECTS = "effects.txt"
RULES = """
[rule.effect]
retry = { attempts = 50, first_delay = "10ms", max_delay = "50ms" }
[[rule.effect.do]]
action = "file"
path = "effects.txt"
line = "{{ id }}"
[[rule.effect.do]]
action = "log"
text = "{{ id }}"
"""


class Witness:
    """Sends events from several threads until told to stop; remembers what was promised."""

    def __init__(self, threads: int = 6, seed: int = 0) -> None:
        self.acknowledged: dict[str, str] = {}
        self.heard_at: dict[str, int] = {}
        """When each acknowledgement came, in nanoseconds of the monotonic clock."""
        self.answers: Counter[int] = Counter()
        self.random = random.Random(seed)
        self._threads = threads
        self._lock = threading.Lock()
        self._number = 0

    def load(self, agent: Served, end: threading.Event) -> list[threading.Thread]:
        """Begin to send; the threads end with `end` or with the connection."""
        started = [
            threading.Thread(target=self._send, args=(agent.port, end))
            for _ in range(self._threads)
        ]
        for thread in started:
            thread.start()
        return started

    def _send(self, port: int, end: threading.Event) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        try:
            while not end.is_set():
                with self._lock:
                    self._number += 1
                    name = f"e-{self._number}"
                body = json.dumps({"id": name, "type": "t", "pad": "x" * 200}).encode()
                connection.request(
                    "POST", "/hooks/shop", body, {"X-Shop-Signature": signature(body)}
                )
                response = connection.getresponse()
                answer = response.read()
                with self._lock:
                    self.answers[response.status] += 1
                    if response.status == 200:
                        self.acknowledged[name] = json.loads(answer)["id"]
                        self.heard_at[name] = time.monotonic_ns()
        except (OSError, http.client.HTTPException):
            return  # the server was killed: what was not answered was not promised
        finally:
            connection.close()


OPEN_STATES = frozenset({"pending", "running", "waiting"})


def settle(project: Path, *, wait_s: float = 2 * PATIENCE_S) -> None:
    """Start once more, wait until everything is worked off, and stop."""
    with serving(project) as agent:
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline:
            (stats,) = lines(run(project, "stats", "--json"))
            under_way = sum(n for state, n in stats["runs"].items() if state in OPEN_STATES)
            if stats["unrouted"] == 0 and under_way == 0:
                break
        agent.stop()


def judge(project: Path, witness: Witness) -> list[str]:
    """Return every broken promise, none if all were kept. The agent must have stopped."""
    broken: list[str] = []
    path = project / ".hookagent" / "hookagent.db"
    database = sqlite3.connect(path)
    try:
        if (found := database.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
            broken.append(f"the store is damaged: {found[:3]}")
    finally:
        database.close()
    effects = (
        Counter((project / EFFECTS).read_text().splitlines())
        if (project / EFFECTS).exists()
        else Counter()
    )
    events = stored(project)
    for name, event_id in witness.acknowledged.items():
        if event_id not in events:
            broken.append(f"{name} was acknowledged as {event_id} and is lost")
    for event_id, document in events.items():
        name = json.loads(document["body"])["id"]
        broken += judge_runs(name, event_id, document["runs"], effects[name])
    return broken


def judge_runs(name: str, event_id: str, runs: list[dict[str, Any]], effects: int) -> list[str]:
    """Judge one event's one run against the effects it had."""
    if len(runs) != 1:
        return [f"{name} ({event_id}) has {len(runs)} runs"]
    (run,) = runs
    if run["state"] != "done":
        return [f"{name} ({event_id}) is {run['state']}: {run['reason']}"]
    attempts = [attempt["outcome"] for attempt in run["steps"][0]["attempts"]]
    unknown = attempts.count("interrupted")
    if attempts.count("done") != 1 or attempts[-1] != "done":
        return [f"{name}: a completed step was run again: {attempts}"]
    if not 1 <= effects <= 1 + unknown:
        return [f"{name}: {effects} effects of attempts {attempts}"]
    return []


def stored(project: Path) -> dict[str, dict[str, Any]]:
    """Read every event through the library's own tool mode."""
    import asyncio

    from hookagent.pipeline.documents import run_document
    from hookagent.store.base import EventFilter
    from hookagent.store.registry import open_store

    async def read() -> dict[str, dict[str, Any]]:
        store = open_store("sqlite:///hookagent.db", project / ".hookagent", mode="tool")
        await store.open()
        found: dict[str, dict[str, Any]] = {}
        try:
            before = 0
            while page := await store.events(EventFilter(limit=500, before=before)):
                for summary in page:
                    record = await store.event(summary.id)
                    assert record is not None
                    found[summary.id] = {
                        "body": record.event.request.body.decode(),
                        "runs": [run_document(run) for run in record.runs],
                    }
                before = page[-1].seq
        finally:
            await store.close()
        return found

    return asyncio.run(read())
