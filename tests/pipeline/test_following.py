"""Adapter: the node that watches a shared store sees what every node does."""

import msgspec
import pytest

from hookagent.config.load import load
from hookagent.event import Event, Headers, RawRequest
from hookagent.job import RunState, Step
from hookagent.pipeline.feed import Delivered, Ran
from hookagent.pipeline.following import Following
from hookagent.store.base import Rejected, Routed, Run
from hookagent.store.sqlite import SqliteStore
from hookagent.verdict import Code, Integrity, Verdict
from tests.pipeline.conftest import NOW
from tests.pipeline.test_watching import EXPECT, Agent
from tests.whole.served import write_project

VERDICT = Verdict(valid=True, scheme="x", code=Code.OK, integrity=Integrity.BODY, signed_at=NOW)


@pytest.fixture(autouse=True)
def shared(monkeypatch):
    monkeypatch.setattr(SqliteStore, "is_shared", property(lambda _: True))


@pytest.fixture
def config(tmp_path):
    project = write_project(tmp_path / "p", more=EXPECT)
    return load(project / "hookagent.toml", environ={}, cwd=project)


def event(n, type_="t", at=NOW, **payload):
    return Event(
        id=f"evt_{at:012x}{n:012x}",
        source="shop",
        type=type_,
        key=b"%d" % n,
        request=RawRequest(received_at=at, body=msgspec.json.encode(payload), headers=Headers([])),
        verdict=VERDICT,
        payload=payload,
    )


def decoded(one):
    return msgspec.structs.replace(one, payload=msgspec.json.decode(one.request.body))


class Watcher:
    """Takes notes, and asks the expectations of a real one."""

    def __init__(self, agent):
        self.expecting = agent.watching.expecting
        self.seen: list[Event] = []
        self.taken: list[object] = []
        self.saw = self.seen.append
        self.take = self.taken.append


@pytest.fixture
async def watcher(store, config):
    return Watcher(Agent(store, config))


@pytest.fixture
async def following(store, watcher):
    made = Following(store, watcher, decoded, lambda: NOW)
    await store.accept(event(0))
    await made.turn()
    return made


async def test_what_was_there_before_is_no_news(store, watcher, following):
    await following.turn()
    assert (watcher.seen, watcher.taken) == ([], [])


async def test_events_are_seen_once_in_order_whole_where_an_expectation_may_be_meant(
    store, watcher, following
):
    for n, type_ in enumerate(("t", "t", "order.paid", "t"), 1):
        await store.accept(event(n, type_, NOW + n, total=n))
    await following.turn()
    await following.turn()

    assert [one.id for one in watcher.seen] == [event(n, at=NOW + n).id for n in (1, 2, 3, 4)]
    assert [one.payload for one in watcher.seen] == [{"total": 1}, None, {"total": 3}, None]
    assert [one.verdict.signed_at for one in watcher.seen] == [NOW, None, NOW, None]


async def test_refusals_of_every_node_are_told_once(store, watcher, following):
    for n in (1, 2):
        rejected = Rejected(
            id=f"rej_{n}",
            source="shop",
            request=RawRequest(received_at=NOW + n),
            verdict=Verdict(valid=False, scheme="x", code=Code.MISMATCH, detail="not this"),
            status=403,
            error="wrong-signature",
        )
        store.reject(rejected)
        await store.keep("n", b"")  # what comes after it is on disk, so it is too
    await following.turn()
    await following.turn()

    assert [(one.id, one.outcome, one.code, one.detail) for one in watcher.taken] == [
        (f"rej_{n}", "rejected", "wrong-signature", "not this") for n in (1, 2)
    ]
    assert all(isinstance(one, Delivered) for one in watcher.taken)


async def test_runs_that_died_anywhere_are_told_once(store, watcher, following):
    run = Run(
        id="run_1", event_id=event(0).id, rule="r", state=RunState.DEAD, created_at=NOW - 5,
        ended_at=NOW, reason="no", steps=[Step(name="one", action="log")],
    )  # fmt: skip
    await store.route("w", [Routed(event_id=event(0).id, runs=[run])])
    await following.turn()
    await following.turn()

    (told,) = watcher.taken
    assert isinstance(told, Ran)
    assert (told.run, told.rule, told.state, told.error) == ("run_1", "r", "dead", "no")


async def test_on_a_shared_store_the_feeds_own_word_is_not_heard_twice(store, config):
    watching = Agent(store, config).watching
    dead = Ran(at=NOW, id="e", run="r", rule="r", state="dead", ms=0)
    done = msgspec.structs.replace(dead, state="done")
    refused = Delivered(at=NOW, outcome="rejected", status=403, source="shop")
    told = [watching._is_told_by_the_store(one) for one in (dead, done, refused)]
    assert told == [True, False, True]
