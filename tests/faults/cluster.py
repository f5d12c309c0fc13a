"""Several nodes as real processes on one PostgreSQL, and a witness of what they promised and did.

Each node has a folder of its own, as on a machine of its own; only the store is shared. The verdict
is reached from the store's own lookups, the files the actions appended to, and arithmetic; the rules
over time are also played again, by one player over all stored events, which must have fired the same.
"""

import asyncio
import http.client
import json
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import msgspec

from hookagent.job import RunState
from hookagent.rules.parse import read_rules
from hookagent.rules.player import Player
from hookagent.store.base import EventFilter, EventRecord, Run, StoreUnavailable
from hookagent.store.registry import open_store
from hookagent.store.sharing import SETTLE_MS
from tests.store.postgres.cluster import Cluster
from tests.whole.served import Served, signature, write_project

EFFECTS = "effects.txt"
KEYS = 7
COUNT = 5
RETRY = 'retry = { attempts = 90, first_delay = "10ms", max_delay = "100ms" }\n'
DEED = '[[rule.{0}.do]]\naction = "file"\npath = "effects.txt"\nline = "{0} {{{{ id }}}}"\n'
CONDITIONS = {
    "plain": "",
    "ordered": 'ordered_by = "who"\n',
    "few": 'when = { kind = "a" }\nconcurrency = 2\n',
    "counted": f'window = {{ count = {COUNT}, within = "1d", by = ["who"] }}\n',
    "rarely": 'throttle = { once = "1d", by = ["who"] }\n',
    "quiet": 'debounce = { quiet = "2s", by = ["who"] }\n',
    "paired": 'when = { kind = "a" }\n'
    'sequence = { within = "1m", by = ["who"], then = { when = { kind = "b" } } }\n',
}
RULES = "".join(
    f"[rule.{name}]\n{RETRY}{body}{DEED.format(name)}" for name, body in CONDITIONS.items()
)
ALWAYS = ("plain", "ordered")
"""Rules that every event fires once."""
MORE = '\n[worker]\nlease = "3s"\n'
OPEN = frozenset({RunState.PENDING, RunState.RUNNING, RunState.WAITING})


class Node:
    """One process and its folder; killed and started again at will."""

    def __init__(
        self,
        folder: Path,
        url: str,
        role: str,
        *,
        launcher: tuple[str, ...] = (),
        rules: str = RULES,
        more: str = MORE,
    ) -> None:
        self._launcher = launcher
        self.folder = write_project(folder, rules=rules, more=more)
        config = folder / "hookagent.toml"
        text = config.read_text().replace("sqlite:///.hookagent/hookagent.db", url)
        config.write_text(text)
        self.role = role
        self.process: Served | None = None

    def start(self) -> None:
        """Start the process, and wait until it is ready."""
        if self.role == "receive":
            self.process = Served(self.folder, "--role", "receive", "--output", "json")
        else:
            self.process = Served(self.folder, command="work", launcher=self._launcher)

    @property
    def port(self) -> int:
        """The listener's port, 0 where there is none now."""
        return self.process.port if self.process else 0

    def kill(self) -> None:
        """End it as the power would."""
        process = self.process
        if process is not None:
            process.kill()
            self.process = None
            process.close()

    def freeze(self) -> None:
        """Stop its time."""
        assert self.process is not None
        self.process.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let its time go on."""
        assert self.process is not None
        self.process.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it as a person would."""
        process, self.process = self.process, None
        if process is not None:
            process.stop()
            process.close()


class Nodes:
    """Receivers and workers on one store."""

    def __init__(
        self,
        folder: Path,
        url: str,
        receivers: int = 3,
        workers: int = 3,
        *,
        rules: str = RULES,
        more: str = MORE,
    ) -> None:
        self.url = url
        given: Any = {"rules": rules, "more": more}
        self.receivers = [Node(folder / f"r{n}", url, "receive", **given) for n in range(receivers)]
        self.workers = [Node(folder / f"w{n}", url, "work", **given) for n in range(workers)]

    @property
    def all(self) -> list[Node]:
        """Every node."""
        return [*self.receivers, *self.workers]

    @contextmanager
    def running(self) -> Iterator["Nodes"]:
        """Run all of them for the time of the block."""
        try:
            for node in self.all:
                node.start()
            yield self
        finally:
            for node in self.all:
                node.kill()

    def effects(self) -> Counter[tuple[str, str]]:
        """Return how often each rule had its effect for each name, on all nodes together."""
        found: Counter[tuple[str, str]] = Counter()
        for node in self.all:
            with suppress(FileNotFoundError):
                for line in (node.folder / EFFECTS).read_text().splitlines():
                    rule, _, name = line.partition(" ")
                    found[rule, name] += 1
        return found


class Witness:
    """Sends events to any receiver that listens; remembers what was promised."""

    def __init__(
        self, nodes: Nodes, *, seed: int = 0, threads: int = 4, gap_s: float = 0.05
    ) -> None:
        self.acknowledged: dict[str, str] = {}
        self.answers: Counter[int] = Counter()
        self.unanswered = 0
        self.unhelpful = 0
        """Answers 503 that did not say when to come again."""
        self._nodes = nodes
        self._random = random.Random(seed)
        self._gap_s = gap_s
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._number = 0
        self._threads = [threading.Thread(target=self._send_on) for _ in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _send_on(self) -> None:
        while not self._end.is_set():
            with self._lock:
                self._number += 1
                number = self._number
                ports = [node.port for node in self._nodes.receivers if node.port]
                port = self._random.choice(ports) if ports else 0
            if port:
                self._send(number, port)
            time.sleep(self._gap_s)

    def _send(self, number: int, port: int) -> None:
        name = f"e-{number}"
        payload = {"id": name, "type": "t", "who": f"k{number % KEYS}", "kind": "abc"[number % 3]}
        body = json.dumps(payload).encode()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("POST", "/hooks/shop", body, {"X-Shop-Signature": signature(body)})
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException):
            with self._lock:
                self.unanswered += 1  # what was not answered was not promised
            return
        finally:
            connection.close()
        with self._lock:
            self.answers[response.status] += 1
            if response.status == 503 and not response.getheader("Retry-After"):
                self.unhelpful += 1
            if response.status == 200:
                self.acknowledged[name] = json.loads(answer)["id"]


def settle(url: str, *, wait_s: float = 90.0) -> None:
    """Wait until everything is worked off; AssertionError when it is not in time."""
    asyncio.run(_settled(url, wait_s))


async def _settled(url: str, wait_s: float) -> None:
    store = open_store(url, Path(), mode="tool")
    await store.open()
    deadline = time.monotonic() + wait_s
    said: object = None
    quiet_since = 0.0
    try:
        while time.monotonic() < deadline:
            with suppress(StoreUnavailable):
                stats = await store.stats(since=0)
                docket = await store.docket(before=1 << 60, limit=1)
                due = [one for one in await store.states("quiet") if one.due_at]
                open_runs = sum(n for state, n in stats.runs.items() if state in OPEN)
                said = (stats.runs, stats.unrouted, len(docket.entries), len(due))
                if open_runs or stats.unrouted or docket.entries or due:
                    quiet_since = 0.0
                elif not quiet_since:
                    quiet_since = time.monotonic()
                elif time.monotonic() - quiet_since > 1:
                    return
            await asyncio.sleep(0.2)
    finally:
        await store.close()
    raise AssertionError(f"not worked off in {wait_s:g} s: {said}")


def judge(nodes: Nodes, witness: Witness) -> list[str]:
    """Return every broken promise, none if all were kept. All nodes must have stopped."""
    return judged(nodes, witness)[0]


def judged(nodes: Nodes, witness: Witness) -> tuple[list[str], dict[str, int]]:
    """Return every broken promise, and the late events with how many ms they took to be stored."""
    records, timed = asyncio.run(_stored(nodes.url))
    late = late_events(nodes.url, records)
    effects = nodes.effects()
    broken = [
        f"{name} was acknowledged as {event_id} and is lost"
        for name, event_id in witness.acknowledged.items()
        if event_id not in records
    ]
    names = {event_id: _payload(record)["id"] for event_id, record in records.items()}
    for record in records.values():
        broken += _judge_runs(_payload(record), record.runs, effects)
    for run in timed:
        broken += [] if run.state is RunState.DONE else [f"{run.rule} {run.id} is {run.state}"]
    broken += _judge_order(records)
    broken += _judge_time(records, timed, names)
    return broken, late


def _judge_runs(
    payload: dict[str, Any], runs: list[Run], effects: Counter[tuple[str, str]]
) -> list[str]:
    """Judge the runs of one event against the effects they had."""
    name = payload["id"]
    expected = dict.fromkeys(ALWAYS, 1) | {"few": int(payload["kind"] == "a")}
    by_rule = Counter(run.rule for run in runs)
    broken = [
        f"{name} has {by_rule[rule]} runs of `{rule}`"
        for rule, count in expected.items()
        if by_rule[rule] != count
    ]
    for run in runs:
        attempts = [attempt.outcome for attempt in run.steps[0].attempts]
        what = f"{name}, rule `{run.rule}`"
        if run.state is not RunState.DONE:
            broken.append(f"{what}: {run.state} {run.reason}")
        elif attempts.count("done") != 1 or attempts[-1] != "done":
            broken.append(f"{what}: a completed step was run again: {attempts}")
        elif not 1 <= effects[run.rule, name] <= 1 + attempts.count("interrupted"):
            broken.append(f"{what}: {effects[run.rule, name]} effects of attempts {attempts}")
    return broken


def late_events(url: str, records: dict[str, EventRecord]) -> dict[str, int]:
    """Return the events that took longer from arrival to commit than is waited for, with how long.

    The database knows where it tracks the times of commits. To rules over time such an event comes
    after those that were judged before it was there; that is what `SETTLE_MS` says.
    """
    import psycopg

    server, _, schema = re.split(r"([?&])schema=", url)
    with psycopg.connect(server, autocommit=True) as connection:
        (is_on,) = connection.execute("SHOW track_commit_timestamp").fetchone() or ("off",)
        if is_on != "on":
            return {}
        rows = connection.execute(
            "SELECT id, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000)::int8"
            f" FROM {schema}.events"
        ).fetchall()
    took = {
        event_id: at - records[event_id].event.received_at
        for event_id, at in rows
        if event_id in records and at is not None
    }
    return {event_id: ms for event_id, ms in took.items() if ms > SETTLE_MS}


def tracking_commits(server: Cluster) -> Cluster:
    """Let a server note when each transaction was committed."""
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    server.stop()
    server.start()
    return server


def _judge_order(records: dict[str, EventRecord]) -> list[str]:
    """Judge whether the runs of each key ran one after the other, as the store took them in."""
    broken = []
    last: dict[str, tuple[int, str]] = {}
    for record in sorted(records.values(), key=lambda one: one.summary.seq):
        for run in record.runs:
            if run.rule != "ordered":
                continue
            attempts = run.steps[0].attempts
            began = min(attempt.started_at for attempt in attempts)
            before, name = last.get(run.order_key, (0, ""))
            if began < before:
                broken.append(f"{run.id} began {before - began} ms before {name} had ended")
            ended = attempts[-1].started_at + attempts[-1].ms
            last[run.order_key] = (ended, run.id)
    return broken


def _judge_time(
    records: dict[str, EventRecord], timed: list[Run], names: dict[str, str]
) -> list[str]:
    """Judge rules over time: by arithmetic where that can be, and by one player for all of them."""
    events = [
        msgspec.structs.replace(record.event, payload=_payload(record))
        for record in _in_order(records)
    ]
    runs = [run for record in records.values() for run in record.runs] + timed
    fired = Counter((run.rule, names.get(run.event_id, "")) for run in runs)
    broken = []
    of_key = Counter(event.payload["who"] for event in events)
    for rule, expected in (
        ("counted", sum(count // COUNT for count in of_key.values())),
        ("rarely", len(of_key)),
    ):
        found = sum(count for (name, _), count in fired.items() if name == rule)
        if found != expected:
            broken.append(f"`{rule}` fired {found} times instead of {expected}")
    player = Player(read_rules([("test.toml", RULES)]))
    played = [one for event in events for one in player.event(event)]
    played += player.until(events[-1].received_at + 60_000) if events else []
    wanted = Counter((rule.name, names.get(firing.event_id, "")) for rule, firing in played)
    return broken + [
        f"{what} fired {fired[what]} times, one player says {wanted[what]}"
        for what in sorted(wanted.keys() | fired.keys())
        if wanted[what] != fired[what]
    ]


def _in_order(records: dict[str, EventRecord]) -> list[EventRecord]:
    return sorted(records.values(), key=lambda one: (one.event.received_at, one.event.id))


def _payload(record: EventRecord) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(record.event.request.body)
    return found


async def _stored(url: str) -> tuple[dict[str, EventRecord], list[Run]]:
    """Read every event with its runs, and the runs of no event."""
    from hookagent.store.base import RunFilter

    store = open_store(url, Path(), mode="tool")
    await store.open()
    found: dict[str, EventRecord] = {}
    timed: list[Run] = []
    try:
        before = 0
        while page := await store.events(EventFilter(limit=500, before=before)):
            for at in range(0, len(page), 8):
                records = await asyncio.gather(*(store.event(one.id) for one in page[at : at + 8]))
                found |= {record.event.id: record for record in records if record is not None}
            before = page[-1].seq
        last = ""
        while runs := await store.runs(RunFilter(rule="quiet", limit=500, before=last)):
            timed += [run for run in runs if not run.event_id]
            last = runs[-1].id
    finally:
        await store.close()
    return found, timed


def kill_at_random(
    nodes: Nodes,
    times: int,
    *,
    seed: int,
    told: Callable[[int], None] = lambda _number: None,
    at_once: int = 3,
) -> list[float]:
    """Kill and start again any of the nodes that often, under whatever load there is.

    Up to `at_once` of them are on their way back while the next is killed. Returns how many seconds
    each start took.
    """
    chance = random.Random(seed)
    starts: list[float] = []
    coming: dict[Node, Future[float]] = {}
    with ThreadPoolExecutor(at_once) as starters:
        for number in range(1, times + 1):
            time.sleep(chance.uniform(0.05, 0.8))  # the moment of the kill is the experiment
            if len(coming) == at_once:
                wait(coming.values(), return_when=FIRST_COMPLETED)
            coming = {node: start for node, start in coming.items() if not start.done()}
            node = chance.choice([one for one in nodes.all if one not in coming])
            node.kill()
            coming[node] = starters.submit(_started, node, chance.choice((0.0, 0.0, 0.5)))
            coming[node].add_done_callback(lambda start: starts.append(start.result()))
            told(number)
    return starts


def _started(node: Node, after_s: float) -> float:
    time.sleep(after_s)
    began = time.monotonic()
    node.start()
    return time.monotonic() - began
