"""Adapter: budgets in a real store, as several nodes see them."""

import asyncio

import msgspec
import pytest

from hookagent.actions.agents.budget import (
    DAY_MS,
    HOUR_MS,
    PREFIX,
    Budget,
    Full,
    Limits,
    Place,
    Use,
)
from hookagent.store.base import StoreUnavailable
from hookagent.store.registry import open_store

NOW = 1_760_000_000_000


@pytest.fixture
async def store(tmp_path):
    opened = open_store("sqlite:///test.db", tmp_path)
    await opened.open()
    yield opened
    await opened.close()


def use(call, *, tokens=10, cost=0.0, budget="b"):
    return Use(budget=budget, call=call, tokens=tokens, cost=cost, lasts_ms=1000)


async def spend(ledger, call, limits, now, **more):
    entered = await ledger.enter(use(call, **more), limits, now)
    if isinstance(entered, Place):
        await ledger.leave(entered, tokens=more.get("tokens", 10), cost=more.get("cost", 0.0))
    return entered


async def test_the_hour_and_the_day_each_have_their_bound(store):
    limits = Limits(runs_per_hour=2, runs_per_day=3)

    for number in range(2):
        assert isinstance(await spend(Budget(store), f"c{number}", limits, NOW + number), Place)
    hour = await spend(Budget(store), "c2", limits, NOW + 10)
    assert isinstance(hour, Full)
    assert hour.after_ms == HOUR_MS - 10
    assert isinstance(await spend(Budget(store), "c2", limits, NOW + HOUR_MS + 10), Place)
    day = await spend(Budget(store), "c3", limits, NOW + 3 * HOUR_MS)
    assert isinstance(day, Full)
    assert day.after_ms == DAY_MS - 3 * HOUR_MS
    assert isinstance(await spend(Budget(store), "c3", limits, NOW + DAY_MS + 10), Place)


async def test_another_try_of_a_step_is_no_other_run(store):
    limits = Limits(runs_per_hour=1)

    assert isinstance(await spend(Budget(store), "c", limits, NOW), Place)
    assert isinstance(await spend(Budget(store), "c", limits, NOW + 1), Place)


async def test_tokens_are_taken_before_they_are_spent(store):
    limits = Limits(tokens_per_day=100, concurrency=9)

    first = await Budget(store).enter(use("c1", tokens=90), limits, NOW)
    assert isinstance(await spend(Budget(store), "c2", limits, NOW, tokens=20), Full)
    assert isinstance(first, Place)
    await Budget(store).leave(first, tokens=30, cost=0)
    assert isinstance(await spend(Budget(store), "c2", limits, NOW, tokens=20), Place)


async def test_one_place_is_taken_once_and_free_again_when_its_holder_died(store):
    limits = Limits(concurrency=1)

    entered = await asyncio.gather(
        *(Budget(store).enter(use(f"c{n}"), limits, NOW) for n in range(5))
    )

    assert sum(isinstance(one, Place) for one in entered) == 1
    assert isinstance(await Budget(store).enter(use("c9"), limits, NOW + 2000), Place)


async def test_budgets_do_not_know_each_other(store):
    limits = Limits(runs_per_hour=1)

    assert isinstance(await spend(Budget(store), "c1", limits, NOW, budget="x"), Place)
    assert isinstance(await spend(Budget(store), "c2", limits, NOW, budget="y"), Place)


async def test_uses_of_yesterday_are_forgotten(store):
    await spend(Budget(store), "c1", Limits(), NOW)
    await spend(Budget(store), "c2", Limits(), NOW + DAY_MS + 1)

    (kept,) = msgspec.msgpack.decode(await store.kept(PREFIX + "b"))
    assert kept[1] == "c2"


async def test_room_that_could_not_be_given_back_stays_spent(store, monkeypatch):
    limits = Limits(tokens_per_day=100, concurrency=9)
    place = await Budget(store).enter(use("c1", tokens=90), limits, NOW)
    assert isinstance(place, Place)

    async def away(name):
        raise StoreUnavailable("away")

    with monkeypatch.context() as gone:
        gone.setattr(store, "kept", away)
        await Budget(store).leave(place, tokens=1, cost=0)

    assert isinstance(await spend(Budget(store), "c2", limits, NOW, tokens=20), Full)
