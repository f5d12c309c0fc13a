"""Adapter: who may act for a run when it is in doubt whose it is."""

import asyncio

import pytest

from hookagent.event import Event, RawRequest
from hookagent.job import RunState
from hookagent.pipeline import leases
from hookagent.pipeline.hands import Hands
from hookagent.pipeline.leases import SURE_MS, Leases
from hookagent.store.base import Routed, Run, StoreUnavailable
from hookagent.verdict import Code, Verdict
from tests.pipeline.conftest import NOW

LEASE_MS = 60_000
EVENT = Event(
    id="evt_" + "0" * 24,
    source="shop",
    request=RawRequest(received_at=NOW),
    verdict=Verdict(valid=True, scheme="none", code=Code.UNCHECKED),
)


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def run(store):
    made = Run(
        id="run_1",
        event_id=EVENT.id,
        rule="it",
        state=RunState.RUNNING,
        owner="w",
        lease_until=NOW + LEASE_MS,
    )
    await store.accept(EVENT, owner="w", lease_until=NOW + LEASE_MS)
    await store.route("w", [Routed(event_id=EVENT.id, runs=[made])])
    return made


@pytest.fixture
def held(store, clock):
    return Leases(store, "w", LEASE_MS, clock)


async def taken_by_another(store, now):
    return await store.claim_runs("other", now=now, lease_until=now + LEASE_MS, limit=9)


async def test_within_its_time_a_run_is_ours_and_nobody_is_asked(held, run, store, monkeypatch):
    monkeypatch.setattr(store, "renew", None)
    assert await held.is_ours(run)


async def test_one_whose_lease_ran_out_is_ours_again_if_nobody_has_it(held, run, store, clock):
    clock.now = NOW + LEASE_MS
    assert await held.is_ours(run)
    assert run.lease_until == clock.now + LEASE_MS
    assert await taken_by_another(store, clock.now) == []


async def test_one_whose_lease_ran_out_and_that_another_has_is_not_ours(held, run, store, clock):
    clock.now = NOW + LEASE_MS
    assert len(await taken_by_another(store, clock.now)) == 1
    assert not await held.is_ours(run)


async def test_a_node_that_has_not_been_heard_of_asks_before_it_acts(held, run, store, clock):
    held.heard_of(NOW)
    clock.now = NOW + SURE_MS - 1
    assert await held.is_ours(run)
    assert run.lease_until == NOW + LEASE_MS

    clock.now = NOW + SURE_MS
    assert await held.is_ours(run)
    assert run.lease_until == clock.now + LEASE_MS  # the store was asked

    held.heard_of(clock.now)
    assert len(await taken_by_another(store, run.lease_until)) == 1
    clock.now += SURE_MS
    assert not await held.is_ours(run)


async def test_while_the_store_is_away_nobody_acts_in_doubt(held, run, store, clock, monkeypatch):
    monkeypatch.setattr(leases, "PAUSE_S", 0.001)
    clock.now = NOW + LEASE_MS
    renew, asked = store.renew, []

    async def away_twice(*arguments, **options):
        asked.append(arguments)
        if len(asked) <= 2:
            raise StoreUnavailable("away")
        return await renew(*arguments, **options)

    monkeypatch.setattr(store, "renew", away_twice)

    assert await held.is_ours(run)
    assert len(asked) == 3


async def test_what_is_recorded_between_two_steps_keeps_the_lease_that_was_prolonged(
    held, run, store, clock
):
    """It said the first one again: a run longer than its lease was anybody's after each step."""
    end = asyncio.Event()

    async def execute(_run, _event, _acted):
        await end.wait()

    hands = Hands(1, execute)
    waiting = Run(id="run_2", event_id="", rule="it", state=RunState.RUNNING, owner="w")
    hands.take_up(run, EVENT)
    hands.take_up(waiting, EVENT)  # of which the store knows nothing

    clock.now = NOW + LEASE_MS - 1
    await held.keep(hands)

    assert hands.held == ["run_1"]
    assert await store.record("w", [run]) == [True]
    assert await taken_by_another(store, NOW + LEASE_MS) == []
    end.set()
    await hands.finish(5)
    await held.keep(hands)  # nothing is held: nothing is asked
