"""The store against a model of plain dictionaries, through any sequence of operations."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hookagent.job import FINAL, RunState
from hookagent.store.base import EventFilter, Routed, RunFilter
from hookagent.store.sqlite import SqliteStore, keys
from tests.store.making import T0, event, run

OWNERS = st.sampled_from(["a", "b"])
NUMBERS = st.integers(1, 12)
LEASE_MS = 10


class StoreMachine(RuleBasedStateMachine):
    """The model: events by number, which are unrouted under whose lease, and all runs."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.generation, keys.GENERATION = keys.GENERATION, 3
        self.now = T0
        self.seen = {}
        self.unrouted = {}
        self.runs = {}
        self.made = 0
        self.open()

    def open(self):
        self.store = SqliteStore(self.folder / "s" / "hookagent.db")
        self.do(self.store.open())

    def do(self, work):
        return self.runner.run(work)

    def teardown(self):
        self.do(self.store.close())
        self.runner.close()
        keys.GENERATION = self.generation
        shutil.rmtree(self.folder)

    @rule(numbers=st.lists(NUMBERS, min_size=1, max_size=6), owner=st.sampled_from(["", "a", "b"]))
    def accept(self, numbers, owner):
        async def together():
            return await asyncio.gather(
                *(
                    self.store.accept(
                        event(n, id=f"evt_{self.made + at}", at=self.now),
                        owner=owner,
                        lease_until=self.now + LEASE_MS,
                    )
                    for at, n in enumerate(numbers)
                )
            )

        for at, (n, answer) in enumerate(zip(numbers, self.do(together()), strict=True)):
            assert answer.is_duplicate == (n in self.seen)
            if n not in self.seen:
                self.seen[n] = [f"evt_{self.made + at}", self.now, 0]
                self.unrouted[f"evt_{self.made + at}"] = (
                    owner,
                    self.now + LEASE_MS if owner else 0,
                )
            else:
                self.seen[n][2] += 1
            assert answer.id == self.seen[n][0]
        self.made += len(numbers)

    @rule(ms=st.integers(0, 30))
    def pass_time(self, ms):
        self.now += ms

    @rule(owner=OWNERS, limit=st.integers(1, 5))
    def claim_events(self, owner, limit):
        until = self.now + LEASE_MS
        taken = self.do(
            self.store.claim_events(owner, now=self.now, lease_until=until, limit=limit)
        )
        free = [name for name, (_, lease) in self.unrouted.items() if lease <= self.now]
        assert [one.id for one in taken] == free[:limit]
        self.unrouted |= {one.id: (owner, until) for one in taken}

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), owner=OWNERS, rules=st.sets(st.sampled_from(["x", "y"])))
    def route(self, data, owner, rules):
        n = data.draw(st.sampled_from(sorted(self.seen)))
        event_id = self.seen[n][0]
        made = []
        for rule_name in sorted(rules):
            self.made += 1
            made.append(
                msgspec.structs.replace(
                    run(self.made, None, rule_name, created_at=self.now), event_id=event_id
                )
            )
        is_ours = self.unrouted.get(event_id, ("-", 0))[0] in {owner, ""}
        answer = self.do(self.store.route(owner, [Routed(event_id=event_id, runs=made)]))
        assert answer == [is_ours]
        if is_ours:
            del self.unrouted[event_id]
            self.runs |= {one.id: one for one in made}

    @rule(owner=OWNERS, limit=st.integers(1, 5))
    def claim_runs(self, owner, limit):
        until = self.now + LEASE_MS
        taken = self.do(self.store.claim_runs(owner, now=self.now, lease_until=until, limit=limit))
        assert len(taken) == min(
            limit, sum(self._may_be_claimed(one) for one in self.runs.values())
        )
        for one in taken:
            before = self.runs[one.id]
            assert self._may_be_claimed(before)
            assert one.is_interrupted == (before.state is RunState.RUNNING)
            self.runs[one.id] = msgspec.structs.replace(one, is_interrupted=False)

    def _may_be_claimed(self, one):
        due = {RunState.PENDING: 0, RunState.WAITING: one.due_at, RunState.RUNNING: one.lease_until}
        return one.state in due and due[one.state] <= self.now

    @precondition(lambda self: self.runs)
    @rule(
        data=st.data(),
        owner=OWNERS,
        state=st.sampled_from([RunState.DONE, RunState.WAITING, RunState.DEAD, RunState.RUNNING]),
    )
    def record(self, data, owner, state):
        before = self.runs[data.draw(st.sampled_from(sorted(self.runs)))]
        is_running = state is RunState.RUNNING
        after = msgspec.structs.replace(
            before,
            state=state,
            due_at=self.now + 5,
            owner=owner if is_running else "",
            lease_until=self.now + LEASE_MS if is_running else 0,
        )
        is_held = before.state is RunState.RUNNING and before.owner == owner
        assert self.do(self.store.record(owner, [after])) == [is_held]
        if is_held:
            self.runs[before.id] = after

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), is_kept=st.booleans())
    def decide(self, data, is_kept):
        before = self.runs[data.draw(st.sampled_from(sorted(self.runs)))]
        method = self.store.revive if is_kept else self.store.discard
        after = self.do(method(before.id, now=self.now))
        assert (after is not None) == (before.state is RunState.DEAD)
        if after is not None:
            self.runs[before.id] = after

    @rule(age=st.integers(0, 60))
    def prune(self, age):
        before = self.now - age
        self.do(self.store.prune(before=before, limit=100))
        busy = {one.event_id for one in self.runs.values() if one.state not in FINAL}
        gone = {
            n: name
            for n, (name, at, _) in self.seen.items()
            if at < before and name not in busy and name not in self.unrouted
        }
        self.seen = {n: known for n, known in self.seen.items() if n not in gone}
        self.runs = {
            name: one for name, one in self.runs.items() if one.event_id not in gone.values()
        }

    @rule()
    def restart(self):
        self.do(self.store.close())
        self.open()

    @invariant()
    def lists_agree(self):
        found = self.do(self.store.events(EventFilter(limit=100)))
        assert {(one.id, one.duplicates) for one in found} == {
            (name, count) for name, _, count in self.seen.values()
        }
        stored = self.do(self.store.events(EventFilter(status="stored", limit=100)))
        assert {one.id for one in stored} == set(self.unrouted)
        runs = self.do(self.store.runs(RunFilter(limit=100)))
        assert {one.id: one for one in runs} == self.runs
        for state in RunState:
            events = self.do(self.store.events(EventFilter(status=state, limit=100)))
            with_it = {one.event_id for one in self.runs.values() if one.state is state}
            assert {one.id for one in events} == with_it


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
