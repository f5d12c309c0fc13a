"""Watching: alerts are said, become events that rules see, survive restarts, and never loop."""

import json

import pytest

from hookagent.config.load import load
from hookagent.event import Event, Headers, Origin, RawRequest
from hookagent.job import RunState
from hookagent.pipeline.emitting import emitter
from hookagent.pipeline.feed import Delivered, Feed, Logged, Ran, Trouble
from hookagent.pipeline.rulebook import compile_rulebook
from hookagent.pipeline.watching import Parts, Watching
from hookagent.rules.parse import read_rules
from hookagent.store.base import EventFilter, Routed, Run
from hookagent.verdict import Code, Verdict
from tests.pipeline.conftest import Desk
from tests.whole.served import write_project

NOW = 1_800_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
EXPECT = """
[[expect]]
name = "orders"
match = "shop/order.*"
when = { total = { gt = 10 } }
every = "1h"
grace = "5m"
"""
PAIR = """
[[expect]]
name = "paid"
after = "shop/started"
expect = "shop/paid"
within = "15m"
by = "session"
"""
ON_US = """
[rule.tell]
on = "hookagent/*"
[[rule.tell.do]]
action = "log"
text = "{{ message }}"
"""


class Agent:
    """A watcher over a real store, with a clock in our hands."""

    def __init__(self, store, config, rules=""):
        self.store = store
        self.now = NOW
        self.feed = Feed()
        self.heard = self.feed.subscribe()
        self.rulebook = compile_rulebook(read_rules([("rules.toml", rules)]))
        self.disk = 10**12
        self.config = config
        self._count = 0
        self.start()

    def start(self):
        numbers = iter(range(self._count * 1000, 10**9))
        desk = Desk()
        desk.has_room = False
        parts = Parts(
            config=self.config,
            store=self.store,
            feed=self.feed,
            emit=emitter(
                self.store, desk, self.feed, clock=lambda: self.now, entropy=lambda: next(numbers)
            ),
            rulebook=lambda: self.rulebook,
            breakers=dict,
            clock=lambda: self.now,
            disk_free=lambda: self.disk,
        )
        self.watching = Watching(parts)

    async def pass_time(self, milliseconds, step=30_000):
        end = self.now + milliseconds
        while self.now < end:
            self.now = min(self.now + step, end)
            await self.route()
            await self.watching.tick(self.now)

    async def route(self):
        """Do what the worker does, so that nothing waits."""
        events = await self.store.claim_events(
            "test", now=self.now, lease_until=self.now + 1, limit=100
        )
        await self.store.route("test", [Routed(event_id=event.id) for event in events])

    async def deliver(self, payload, *, kind="order.new", origin=Origin.LIVE, is_seen=True):
        self._count += 1
        event = Event(
            id=f"evt_{self._count:024x}",
            source="shop",
            type=kind,
            key=f"key-{self._count}".encode(),
            request=RawRequest(
                headers=Headers.of({"Content-Type": "application/json"}),
                body=json.dumps(payload).encode(),
                received_at=self.now,
            ),
            verdict=Verdict(valid=True, scheme="none", code=Code.OK),
            origin=origin,
            payload=payload,
        )
        await self.store.accept(event)
        if is_seen:
            self.watching.saw(event)

    def said(self):
        found = list(self.heard._queue)
        self.heard._queue.clear()
        return [one for one in found if isinstance(one, Trouble | Logged)]

    async def stored(self):
        page = await self.store.events(EventFilter(source="hookagent"))
        return [summary.type for summary in reversed(page)]


@pytest.fixture
def make(store, tmp_path):
    def made(more, rules=""):
        project = write_project(tmp_path / "watched", more=more)
        return Agent(store, load(project / "hookagent.toml", environ={}, cwd=project), rules)

    return made


async def test_silence_is_an_event_and_so_is_the_recovery(make):
    agent = make(EXPECT)
    await agent.pass_time(MINUTE)
    await agent.deliver({"total": 11})

    await agent.pass_time(HOUR)
    assert await agent.stored() == []
    await agent.pass_time(3 * HOUR)
    assert await agent.stored() == ["watch.silence"]
    await agent.deliver({"total": 12})
    await agent.pass_time(MINUTE)
    assert await agent.stored() == ["watch.silence", "watch.recovered"]
    assert [type(one) for one in agent.said()] == [Trouble, Logged]


async def test_what_does_not_match_and_what_is_replayed_does_not_count(make):
    agent = make(EXPECT)
    await agent.pass_time(MINUTE)
    await agent.deliver({"total": 11})
    await agent.pass_time(HOUR)
    await agent.deliver({"total": 1})
    await agent.deliver({"total": 50}, origin=Origin.REPLAY)
    await agent.pass_time(10 * MINUTE)

    assert await agent.stored() == ["watch.silence"]


async def test_the_store_knows_of_events_that_were_not_routed_yet(make):
    agent = make(EXPECT)
    await agent.pass_time(MINUTE)
    await agent.deliver({"total": 11})
    await agent.pass_time(50 * MINUTE)
    await agent.deliver({"total": 12}, is_seen=False)
    await agent.pass_time(50 * MINUTE)

    assert await agent.stored() == []


async def test_a_restart_neither_forgets_nor_repeats_an_alert(make):
    agent = make(EXPECT)
    await agent.pass_time(MINUTE)
    await agent.deliver({"total": 11})
    await agent.pass_time(2 * HOUR)
    agent.start()
    await agent.pass_time(2 * HOUR)
    assert await agent.stored() == ["watch.silence"]
    await agent.deliver({"total": 11}, is_seen=False)
    agent.start()
    await agent.pass_time(MINUTE)

    assert await agent.stored() == ["watch.silence", "watch.recovered"]


async def test_waking_from_a_sleep_gives_what_was_missed_time_to_come(make):
    agent = make(EXPECT)
    await agent.pass_time(MINUTE)
    await agent.deliver({"total": 11})
    agent.now += 8 * HOUR
    await agent.pass_time(5 * MINUTE)
    await agent.deliver({"total": 11})
    await agent.pass_time(30 * MINUTE)

    assert await agent.stored() == []


async def test_a_pair_goes_by_its_key(make):
    agent = make(PAIR)
    await agent.pass_time(MINUTE)
    await agent.deliver({"session": "a"}, kind="started")
    await agent.deliver({"session": "b"}, kind="started")
    await agent.deliver({"session": "b"}, kind="paid")
    await agent.pass_time(20 * MINUTE)

    [alert] = [one for one in agent.said() if isinstance(one, Trouble)]
    assert "`a`" in alert.message
    await agent.deliver({"session": "a"}, kind="paid", is_seen=False)
    agent.start()
    await agent.pass_time(MINUTE)
    assert await agent.stored() == ["watch.silence", "watch.recovered"]


def dead(run, event="evt_x", rule="label", state="dead"):
    return Ran(at=NOW, id=event, run=run, rule=rule, state=state, ms=1, error="no such host\x1b[2J")


async def test_a_built_in_watch_is_said_and_stored_only_where_a_rule_asks(make):
    quiet, asked = make(""), make("", ON_US)
    for agent in (quiet, asked):
        agent.watching.take(dead("run_1"))
        await agent.pass_time(1_000, step=1_000)

    assert [one.hint for one in quiet.said()] == [
        "run it again: hookagent retry run_1   all: hookagent dead"
    ]
    assert await asked.stored() == ["run.dead"]


def done(run, event="evt_x", rule="label"):
    return Run(id=run, event_id=event, rule=rule, state=RunState.DONE)


async def test_a_rule_that_was_dead_and_is_done_again_is_told(make):
    agent = make("")
    agent.watching.take(dead("run_1"))
    agent.watching.done(done("run_1"), NOW + 1)
    agent.watching.take(dead("run_1", state="done"))  # what is done is told by the worker itself

    said = agent.said()
    assert [type(one) for one in said] == [Trouble, Logged]
    assert said[1].line == "run.dead: `label`: a run was done again, after 0 s"


async def test_what_is_said_cannot_steer_a_terminal(make):
    agent = make("")
    agent.watching.take(dead("run_1"))

    assert not any("\x1b" in one.message for one in agent.said())


async def test_an_alert_cannot_lead_to_itself(make):
    agent = make("", ON_US)
    agent.watching.take(dead("run_1"))
    await agent.pass_time(1_000, step=1_000)
    [own] = await agent.store.events(EventFilter(source="hookagent"))
    for number in range(5):
        agent.watching.take(dead(f"run_{number}", event=own.id, rule="tell"))
        agent.watching.done(done(f"run_{number}", event=own.id, rule="tell"), NOW)
    await agent.pass_time(HOUR)

    assert await agent.stored() == ["run.dead"]


async def test_a_full_disk_is_told_after_a_look(make):
    agent = make("", ON_US)
    agent.disk = 10**6
    await agent.pass_time(MINUTE)

    assert await agent.stored() == ["disk.low"]


async def test_forged_deliveries_in_a_row_are_told_with_the_reason(make):
    agent = make("")
    for number in range(5):
        agent.watching.take(
            Delivered(
                at=NOW + number,
                outcome="rejected",
                status=403,
                source="shop",
                id=f"rej_{number}",
                code="wrong-signature",
                detail="the body was changed",
            )
        )

    [alert] = agent.said()
    assert "wrong-signature: the body was changed" in alert.message
    assert alert.hint == "see why: hookagent verify rej_4"
