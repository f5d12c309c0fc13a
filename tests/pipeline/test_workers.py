"""Adapter: several workers on one store, and runs that keep their order."""

import asyncio
import random
import time
from collections import Counter, defaultdict

import msgspec
import pytest

from hookagent.actions import log
from hookagent.actions.base import Emission, Outside
from hookagent.config.model import Worker as Settings
from hookagent.environment import Environment
from hookagent.event import Event, Headers, RawRequest
from hookagent.job import Again, Done, RunState
from hookagent.pipeline import atonce, loops
from hookagent.pipeline.emitting import emitter
from hookagent.pipeline.feed import Matched, Ran
from hookagent.pipeline.firing import new_run
from hookagent.pipeline.overtime import at_once
from hookagent.pipeline.reception import Reception
from hookagent.pipeline.rulebook import compile_rulebook
from hookagent.pipeline.worker import Worker
from hookagent.rules.parse import read_rules
from hookagent.store.base import EventFilter, Routed, RuleVersion, RunFilter, StoreUnavailable
from hookagent.store.sqlite import SqliteStore
from hookagent.verdict import Code, Verdict
from tests.patience import PATIENCE_S, eventually

VERDICT = Verdict(valid=True, scheme="none", code=Code.UNCHECKED)
DO = '\n[[rule.{0}.do]]\naction = "log"\ntext = "{0} {{{{ who }}}} {{{{ n }}}}"\n'
QUICK = 'retry = { attempts = 9, first_delay = "1ms", max_delay = "2ms" }\n'
LEASE_MS = 120_000
"""Longer than a machine stands still: who is only slow keeps what it holds."""


def clock():
    return time.time_ns() // 1_000_000


def rulebook(**rules):
    text = "".join(f"[rule.{name}]\n{body}{DO.format(name)}" for name, body in rules.items())
    return compile_rulebook(read_rules([("r.toml", text)]))


def event(n, who="k", at=None):
    payload = {"n": n, "who": who}
    at = clock() if at is None else at
    return Event(
        id=f"evt_{at:012x}{n:012x}",
        source="s",
        type="t",
        key=b"%d" % n,
        request=RawRequest(received_at=at, body=msgspec.json.encode(payload), headers=Headers([])),
        verdict=VERDICT,
        payload=payload,
    )


class Deeds:
    """What the `log` action of every worker did, and how many did it at once."""

    def __init__(self, monkeypatch, seed=0, failing=0.0):
        self.chance = random.Random(seed)
        self.done = []
        self.at_once: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.failing = failing
        monkeypatch.setattr(log, "run", self.act)
        monkeypatch.setattr(atonce, "is_instant", lambda _action: False)  # this one takes its time

    async def act(self, prepared, call, outside):
        rule = call.rule
        self.at_once[rule] += 1
        self.most[rule] = max(self.most[rule], self.at_once[rule])
        await asyncio.sleep(self.chance.random() * 0.01)
        self.at_once[rule] -= 1
        if self.chance.random() < self.failing:
            return Again(error="not this time")
        self.done.append(prepared.text)
        return Done()


@pytest.fixture
def shared(monkeypatch):
    """Let the SQLite store say that it is shared: one process can be several workers on it."""
    monkeypatch.setattr(SqliteStore, "is_shared", property(lambda _: True))

    async def take_over(self, owner):
        pass

    monkeypatch.setattr(SqliteStore, "take_over", take_over)


@pytest.fixture
async def crew(store, feed, tmp_path):
    """Start workers on the store; they are stopped at the end."""
    started: list[Worker] = []

    async def start(book, count, **settings):
        for number in range(count):
            outside = Outside(
                folder=tmp_path, state=tmp_path, environment=Environment({}), clock=clock
            )
            made = Worker(
                store,
                feed,
                outside,
                Settings(**{"lease_ms": LEASE_MS, "grace_ms": 1_000} | settings),
                {},
                owner=f"w{len(started)}-{number}",
                clock=clock,
            )
            made.use(book)
            await made.start()
            started.append(made)
        return started

    yield start
    await asyncio.gather(*(made.stop() for made in started))


async def worked_off(store, count):
    async with asyncio.timeout(PATIENCE_S):
        while True:
            stats = await store.stats(since=0)
            docket = await store.docket(before=clock() + 60_000, limit=1)
            if stats.runs.get("done", 0) >= count and not (stats.unrouted or docket.entries):
                return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("failing", [0.0, 0.3])
async def test_one_worker_keeps_the_order_of_each_key(store, crew, monkeypatch, failing):
    deeds = Deeds(monkeypatch, failing=failing)
    (worker,) = await crew(rulebook(it=f'ordered_by = "who"\n{QUICK}'), 1)
    for n in range(24):
        one = event(n, "xy"[n % 2])
        await store.accept(one, owner=worker.owner, lease_until=worker.lease(clock()))
        worker.offer(one)

    await worked_off(store, 24)

    order = defaultdict(list)
    for key, n in (line.split()[1:] for line in deeds.done):
        order[key].append(int(n))
    assert order == {"x": list(range(0, 24, 2)), "y": list(range(1, 24, 2))}


async def test_several_workers_keep_orders_and_limits_and_agree_over_time(
    store, crew, shared, monkeypatch
):
    deeds = Deeds(monkeypatch, seed=3, failing=0.1)
    book = rulebook(
        ordered=f'ordered_by = "who"\n{QUICK}',
        few=f"concurrency = 2\n{QUICK}",
        plain=QUICK,
        counted=f'window = {{ count = 4, within = "1h", by = ["who"] }}\n{QUICK}',
        rarely=f'throttle = {{ once = "1h", by = ["who"] }}\n{QUICK}',
    )
    workers = await crew(book, 5)
    for n in range(40):
        one, worker = event(n, "xyz"[n % 3]), random.Random(n).choice([None, *workers])
        if worker is None:
            await store.accept(one)
            continue
        await store.accept(one, owner=worker.owner, lease_until=worker.lease(clock()))
        worker.offer(one)

    await worked_off(store, 40 * 3 + 9 + 3)

    order = defaultdict(list)
    for line in deeds.done:
        rule, key, n = line.split()
        order[rule, key].append(int(n))
    for start, key in enumerate("xyz"):
        numbers = list(range(start, 40, 3))
        assert order["ordered", key] == numbers
        assert sorted(order["few", key]) == sorted(order["plain", key]) == numbers
        assert sorted(order["counted", key]) == numbers[3::4]
        assert order["rarely", key] == numbers[:1]
    assert deeds.most["few"] <= 2


async def test_no_worker_holds_slow_runs_for_which_another_has_a_place(
    store, crew, shared, monkeypatch
):
    may_end = asyncio.Event()
    at_work: list[str] = []

    async def act(prepared, _call, _outside):
        at_work.append(prepared.text)
        await may_end.wait()
        return Done()

    monkeypatch.setattr(log, "run", act)
    monkeypatch.setattr(atonce, "is_instant", lambda _action: False)
    workers = await crew(rulebook(it=""), 3, concurrency=2)
    for n in range(12):  # one worker gets them all
        one = event(n)
        await store.accept(one, owner=workers[0].owner, lease_until=workers[0].lease(clock()))
        workers[0].offer(one)

    async with asyncio.timeout(60):
        while len(at_work) < 6:  # noqa: ASYNC110 - the actions tell nobody
            await asyncio.sleep(0.01)
    assert (await store.stats(since=0)).runs == {"running": 6, "pending": 6}

    may_end.set()
    await worked_off(store, 12)
    assert sorted(at_work) == sorted(f"it k {n}" for n in range(12))


async def test_a_limit_holds_where_the_places_are_taken_while_runs_are_claimed(
    store, crew, monkeypatch
):
    deeds, may_end = Deeds(monkeypatch), asyncio.Event()
    book = rulebook(
        few='concurrency = 1\nwhen = { who = "few" }\n', many='when = { who = "many" }\n'
    )
    few, is_late, claim_runs = book.by_name["few"], asyncio.Event(), store.claim_runs
    version = RuleVersion(hash=few.version, rule="few", steps=[spec.to_json() for spec in few.do])
    for n in range(4):
        one = event(n, "few")
        await store.accept(one, owner="w", lease_until=clock() + LEASE_MS)
        runs = [new_run(few, at_once(one), one, clock(), n)]
        await store.route("w", [Routed(event_id=one.id, runs=runs, versions=[version])])

    async def claim(*args, **options):
        found = await claim_runs(*args, **options)
        if len(found) == 4 and not is_late.is_set():
            is_late.set()
            for n in range(4, 20):
                await handed(store, worker, event(n, "many"))
            await eventually(lambda: not worker._hands.free)
            may_end.set()
        return found

    async def act(prepared, call, outside):
        """Let the many keep their places until the few were claimed."""
        if call.rule == "many":
            await may_end.wait()
        return await deeds.act(prepared, call, outside)

    monkeypatch.setattr(store, "claim_runs", claim)
    monkeypatch.setattr(log, "run", act)
    (worker,) = await crew(book, 1, concurrency=4)

    await worked_off(store, 20)
    assert is_late.is_set()
    assert deeds.most["few"] == 1


async def test_what_a_dead_worker_left_is_done_by_another(store, crew, shared, monkeypatch):
    deeds = Deeds(monkeypatch)
    book = rulebook(it='throttle = { once = "1h", by = ["n"] }\n', plain="")
    for n in range(5):
        await store.accept(event(n), owner="dead", lease_until=clock() + 500)
    await crew(book, 2)

    await worked_off(store, 10)

    assert Counter(line.split()[0] for line in deeds.done) == {"it": 5, "plain": 5}
    runs = await store.runs(RunFilter())
    assert {run.state for run in runs} == {RunState.DONE}


async def test_a_run_does_what_its_rule_said_when_it_fired_whoever_takes_it(
    store, crew, shared, monkeypatch
):
    deeds = Deeds(monkeypatch)
    old, new = rulebook(it=""), rulebook(other='when = { n = "none" }\n')
    (rule,) = old.ruleset.rules
    one = event(1)
    await store.accept(one, owner="w", lease_until=clock() + 60_000)
    run = new_run(rule, at_once(one), one, clock(), 1)
    version = RuleVersion(
        hash=rule.version, rule=rule.name, steps=[step.to_json() for step in rule.do]
    )
    await store.route("w", [Routed(event_id=one.id, runs=[run], versions=[version])])

    await crew(new, 1)
    await worked_off(store, 1)

    assert deeds.done == ["it k 1"]


async def handed(store, worker, one):
    """Do with an event what the front door does."""
    is_quiet = not worker.wants(one)
    lease = 0 if is_quiet else worker.lease(clock())
    owner = worker.owner if lease else ""
    await store.accept(one, owner=owner, lease_until=lease, is_quiet=is_quiet)
    (worker.note if is_quiet else worker.offer)(one)


async def test_what_no_rule_asks_for_is_stored_as_routed_and_told_of(store, crew, feed):
    seen: list[str] = []
    (worker,) = await crew(rulebook(it="when = { n = 1 }\n"), 1)
    worker.observe = lambda one: seen.append(one.id)
    told = feed.subscribe()
    events = [event(n) for n in (0, 1, 2)]
    for one in events:
        await handed(store, worker, one)

    await worked_off(store, 1)
    async with asyncio.timeout(20):
        matched = {}
        async for happening in told:
            if isinstance(happening, Matched):
                matched[happening.id] = happening.rules
            if len(matched) == len(events):
                break

    assert matched == {events[0].id: [], events[1].id: ["it"], events[2].id: []}
    assert sorted(seen) == [one.id for one in events]
    quiet = await store.events(EventFilter(status="quiet"))
    assert [found.id for found in quiet] == [events[2].id, events[0].id]


@pytest.mark.parametrize("every", [True, False])
async def test_runs_that_are_done_are_told_to_who_asked_for_every_one(store, crew, feed, every):
    done: asyncio.Queue[str] = asyncio.Queue()
    (worker,) = await crew(rulebook(it=""), 1)
    worker.observe_done(lambda run, _at: done.put_nowait(run.rule))
    told = feed.subscribe(every=every)
    await handed(store, worker, event(0))
    await worked_off(store, 1)
    assert await asyncio.wait_for(done.get(), 20) == "it"
    feed.close()

    assert [one.state async for one in told if isinstance(one, Ran)] == ["done"] * every


async def test_what_is_over_at_once_is_done_once_though_its_commit_fails(
    store, crew, feed, monkeypatch
):
    monkeypatch.setattr(loops, "PAUSE_S", 0.01)
    said: list[str] = []
    refused: list[list[Routed]] = []
    route = store.route
    monkeypatch.setattr(log, "run", lambda prepared, _call, _outside: say(said, prepared.text))

    async def failing(owner, routed):
        if len(refused) < 3:
            refused.append(routed)
            raise StoreUnavailable("the disk is full")
        return await route(owner, routed)

    monkeypatch.setattr(store, "route", failing)
    (worker,) = await crew(rulebook(it=""), 1)
    ran = feed.subscribe()
    await handed(store, worker, event(1))

    await worked_off(store, 1)

    assert said == ["it k 1"]
    (run,) = await store.runs(RunFilter())
    assert [attempt.outcome for attempt in run.steps[0].attempts] == ["done"]
    async with asyncio.timeout(20):
        async for happening in ran:
            if isinstance(happening, Ran):
                assert (happening.run, happening.state) == (run.id, "done")
                break


async def say(said, text):
    said.append(text)
    return Done()


async def test_a_receiver_leaves_every_event_to_the_workers(store, feed, crew, shared, monkeypatch):
    deeds = Deeds(monkeypatch)
    desk = Reception("receiver")
    assert desk.lease(clock()) == 0
    assert desk.wants(event(1))
    emit = emitter(store, desk, feed, clock=clock, entropy=lambda: 1)
    payload = {"who": "me", "n": 7}
    await emit(Emission(source="s", type="t", payload=payload, parent="", key="k", hop=0))
    with pytest.raises(AssertionError):
        desk.offer(event(1))

    await crew(rulebook(it=""), 1)
    await worked_off(store, 1)

    assert deeds.done == ["it me 7"]


async def test_what_nodes_left_to_judge_is_judged_where_their_store_was_copied_to(
    store, crew, monkeypatch
):
    deeds = Deeds(monkeypatch)
    one, two = event(1, at=clock() - 5_000), event(2)
    await store.accept(one, owner="w", lease_until=clock() + 60_000)
    await store.route("w", [Routed(event_id=one.id, left_to_judge=["it"])])
    await store.accept(two)

    await crew(rulebook(it='window = { count = 2, within = "1h" }\n', plain=""), 1)
    await worked_off(store, 2)

    assert sorted(deeds.done) == ["it k 2", "plain k 2"]
