"""Property: however the work is split and the judge's duty changes hands, the answers are one's."""

import random
from collections import Counter

import msgspec
import pytest

from hookagent.environment import Environment
from hookagent.event import Event, Headers, RawRequest
from hookagent.pipeline.duty import LEASE_MS
from hookagent.pipeline.judge import AWAKE, Judge, left_to_judge
from hookagent.pipeline.rulebook import Bindings, compile_rulebook
from hookagent.rules.parse import read_rules
from hookagent.rules.player import Player
from hookagent.store.base import Routed, RunFilter, StoreUnavailable
from hookagent.store.sharing import JUDGE, SETTLE_MS, News
from hookagent.verdict import Code, Verdict
from tests.pipeline.conftest import NOW

DO = '[[rule.{0}.do]]\naction = "log"\ntext = "{0}"\n'
RULES = {
    "counted": 'window = { count = 3, within = "20s", by = ["key"] }',
    "rarely": 'throttle = { once = "15s", by = ["key"] }',
    "quiet": 'debounce = { quiet = "7s", by = ["key"] }',
    "paired": 'sequence = { within = "20s", by = ["key"], then = { when = { kind = "b" } } }\n'
    'when = { kind = "a" }',
    "unpaired": 'sequence = { within = "9s", by = ["key"], without = { when = { kind = "b" } } }\n'
    'when = { kind = "a" }',
    "missing": 'absence = { after = "12s", by = ["key"] }',
    "plain": 'when = { kind = "a" }',
}
VERDICT = Verdict(valid=True, scheme="none", code=Code.UNCHECKED)


def rulebook(**rules):
    text = "".join(f"[rule.{name}]\n{body}\n{DO.format(name)}" for name, body in rules.items())
    return compile_rulebook(read_rules([("r.toml", text)]))


def event(number, at, **payload):
    body = msgspec.json.encode(payload)
    return Event(
        id=f"evt_{at:012x}{number:012x}",
        source="s",
        type="t",
        key=b"%d" % number,
        request=RawRequest(received_at=at, body=body, headers=Headers([])),
        verdict=VERDICT,
        payload=payload,
    )


def decoded(one):
    return msgspec.structs.replace(one, payload=msgspec.json.decode(one.request.body))


class Cluster:
    """Several nodes on one store, in the hands of a test: its clock and its chance."""

    def __init__(self, store, book, nodes=3):
        self.store = store
        self.book = book
        self.now = NOW
        self.bindings = Bindings(Environment({}))
        self.judges = [self.judge(f"node-{number}") for number in range(nodes)]

    def judge(self, name):
        made = Judge(
            self.store,
            name,
            lambda: self.now,
            decoded,
            lambda rule: self.bindings.of_rule(rule).version,
        )
        made.use(self.book)
        return made

    async def accept(self, *events):
        for one in events:
            await self.store.accept(one, owner="w", lease_until=NOW * 2)

    async def route(self, *events):
        for one in events:
            left = left_to_judge(one, self.book.select(one), self.book)
            routed = Routed(event_id=one.id, left_to_judge=left)
            assert await self.store.route("w", [routed]) == [True]

    async def fired(self):
        runs = await self.store.runs(RunFilter(limit=10_000))
        return Counter((run.rule, run.event_id) for run in runs)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Let nothing wait by the wall's clock."""
    monkeypatch.setattr("hookagent.pipeline.judge.RENEW_S", 0)
    monkeypatch.setattr("hookagent.pipeline.judge.POLL_S", 0)


def alone(book, events, end):
    """Return what one process fires, by rule and event."""
    player = Player(book.ruleset, book.select)
    fired = [one for given in events for one in player.event(given)]
    fired += player.until(end)
    return Counter((rule.name, firing.event_id) for rule, firing in fired if rule.is_over_time)


@pytest.mark.parametrize("seed", range(4))
async def test_several_nodes_give_the_answers_of_one(store, seed):
    chance = random.Random(seed)
    book = rulebook(**RULES)
    cluster = Cluster(store, book)
    at = NOW
    events = []
    for number in range(120):
        at += chance.choice((1, 300, 2_000, 4_000))
        payload = {"kind": chance.choice("abc"), "key": chance.choice("xyz")}
        events.append(event(number, at, **payload))
    waiting = list(events)
    unrouted: list[Event] = []
    while waiting or unrouted:
        cluster.now += chance.choice((10, 400, 3_000))
        arrived = [one for one in waiting if one.received_at <= cluster.now]
        waiting = waiting[len(arrived) :]
        await cluster.accept(*arrived)
        unrouted += arrived
        chance.shuffle(unrouted)
        for _ in range(chance.randrange(1 + len(unrouted))):
            await cluster.route(unrouted.pop())
        for judge in chance.sample(cluster.judges, 2):
            await judge.once()
        dice = chance.random()
        if dice < 0.1:  # a node is killed, another takes its place
            place = chance.randrange(3)
            cluster.judges[place] = cluster.judge(f"node-{seed}-{cluster.now}")
        elif dice < 0.2:
            await chance.choice(cluster.judges).resign()
    end = at + 60_000
    while cluster.now < end + SETTLE_MS:
        cluster.now += 2_000
        for judge in cluster.judges:
            await judge.once()

    expected = alone(book, events, cluster.now - SETTLE_MS)

    assert await cluster.fired() == expected
    assert {rule for rule, _ in expected} == set(RULES) - {"plain"}


async def test_a_judge_that_lost_its_duty_writes_nothing_and_forgets(store):
    cluster = Cluster(store, rulebook(counted='window = { count = 2, within = "1m" }'), nodes=2)
    first, second = cluster.judges
    one, two = event(1, NOW, kind="a"), event(2, NOW + 1, kind="a")
    await cluster.accept(one)
    await cluster.route(one)
    cluster.now += 2 * SETTLE_MS
    await first.once()
    assert first.is_judging

    cluster.now += LEASE_MS  # the first is frozen
    await second.once()
    await cluster.accept(two)
    await cluster.route(two)
    cluster.now += 2 * SETTLE_MS
    await second.once()
    assert second.is_judging
    await first.once()  # and woken

    assert not first.is_judging
    assert await cluster.fired() == {("counted", two.id): 1}


async def test_what_a_failed_commit_judged_is_judged_again_from_the_store(store, monkeypatch):
    cluster = Cluster(store, rulebook(counted='window = { count = 1, within = "1m" }'), nodes=1)
    (judge,) = cluster.judges
    one = event(1, NOW)
    await cluster.accept(one)
    await cluster.route(one)
    cluster.now += 2 * SETTLE_MS

    async def gone(owner, judged):
        raise StoreUnavailable("gone")

    with monkeypatch.context() as away:
        away.setattr(store, "judge", gone)
        with pytest.raises(StoreUnavailable):
            await judge.once()
    assert not judge.is_judging
    await judge.once()

    assert await cluster.fired() == {("counted", one.id): 1}


async def test_a_rule_that_is_plain_for_the_judge_fires_if_it_was_left_to_it(store):
    old = rulebook(it='throttle = { once = "1h" }', other='when = { kind = "a" }')
    new = rulebook(it='when = { kind = "a" }', other='when = { kind = "a" }')
    cluster = Cluster(store, old, nodes=1)
    (judge,) = cluster.judges
    judge.use(new)
    one = event(1, NOW, kind="a")
    await cluster.accept(one)
    await cluster.route(one)
    cluster.now += 2 * SETTLE_MS
    await judge.once()

    assert await cluster.fired() == {("it", one.id): 1}


async def test_a_judge_that_does_not_know_a_rule_keeps_what_it_remembers_for_the_next(store):
    known = rulebook(quiet='debounce = { quiet = "5s" }')
    cluster = Cluster(store, known, nodes=1)
    (judge,) = cluster.judges
    one = event(1, NOW)
    await cluster.accept(one)
    await cluster.route(one)
    cluster.now += 2 * SETTLE_MS
    await judge.once()

    judge.use(rulebook(plain='when = { kind = "a" }'))
    cluster.now += 20_000
    await judge.once()
    assert await cluster.fired() == {}
    judge.use(known)
    await judge.once()

    assert await cluster.fired() == {("quiet", one.id): 1}


async def test_a_change_of_judges_is_no_sleep(store):
    cluster = Cluster(store, rulebook(it='absence = { after = "1h" }'), nodes=2)
    first, second = cluster.judges
    await first.once()
    cluster.now += 30_000
    await first.once()
    cluster.now += LEASE_MS
    await second.once()
    kept = msgspec.json.decode(await store.kept(AWAKE))
    assert (kept["since"], second.is_judging) == (NOW, True)
    cluster.now += 3_600_000
    await second.once()
    assert msgspec.json.decode(await store.kept(AWAKE))["since"] == cluster.now


async def test_news_of_the_docket_wakes_the_judge(store, monkeypatch):
    monkeypatch.setattr("hookagent.pipeline.judge.POLL_S", 30)
    monkeypatch.setattr("hookagent.pipeline.judge.LEASE_MS", 120_000)
    monkeypatch.setattr("hookagent.pipeline.judge.SETTLE_MS", 0)
    cluster = Cluster(store, rulebook(it='throttle = { once = "1h" }'), nodes=1)
    (judge,) = cluster.judges
    judge.heard(News.RUNS)
    judge.heard(News.DOCKET)
    await judge.once()
    await judge.resign()
    assert JUDGE not in {duty.name for duty in await store.duties()}


def test_only_what_concerns_rules_over_time_is_left_to_the_judge():
    book = rulebook(**{name: RULES[name] for name in ("plain", "paired", "rarely")})
    plain = rulebook(plain=RULES["plain"])
    for one, expected in (
        (event(1, NOW, kind="a", key="x"), {"paired", "rarely"}),
        (event(2, NOW, kind="b", key="x"), {"paired", "rarely"}),
        (event(3, NOW, kind="c", key="x"), {"rarely"}),
    ):
        assert set(left_to_judge(one, book.select(one), book)) == expected
        assert left_to_judge(one, plain.select(one), plain) == []
