"""Adapter: budgets in a real file, as two processes see it."""

import asyncio

from hookagent.actions.agents.budget import DAY_MS, HOUR_MS, Budget, Full, Limits, Use

NOW = 1_760_000_000_000


def use(call, *, tokens=10, cost=0.0, budget="b"):
    return Use(budget=budget, call=call, tokens=tokens, cost=cost, lasts_ms=1000)


async def spend(ledger, call, limits, now, **more):
    entered = await ledger.enter(use(call, **more), limits, now)
    if isinstance(entered, int):
        await ledger.leave(entered, tokens=more.get("tokens", 10), cost=more.get("cost", 0.0))
    return entered


async def test_the_hour_and_the_day_each_have_their_bound(tmp_path):
    limits = Limits(runs_per_hour=2, runs_per_day=3)

    for number in range(2):
        assert isinstance(await spend(Budget(tmp_path), f"c{number}", limits, NOW + number), int)
    hour = await spend(Budget(tmp_path), "c2", limits, NOW + 10)
    assert isinstance(hour, Full)
    assert hour.after_ms == HOUR_MS - 10
    assert isinstance(await spend(Budget(tmp_path), "c2", limits, NOW + HOUR_MS + 10), int)
    day = await spend(Budget(tmp_path), "c3", limits, NOW + 3 * HOUR_MS)
    assert isinstance(day, Full)
    assert day.after_ms == DAY_MS - 3 * HOUR_MS
    assert isinstance(await spend(Budget(tmp_path), "c3", limits, NOW + DAY_MS + 10), int)


async def test_another_try_of_a_step_is_no_other_run(tmp_path):
    limits = Limits(runs_per_hour=1)

    assert isinstance(await spend(Budget(tmp_path), "c", limits, NOW), int)
    assert isinstance(await spend(Budget(tmp_path), "c", limits, NOW + 1), int)


async def test_tokens_are_taken_before_they_are_spent(tmp_path):
    limits = Limits(tokens_per_day=100, concurrency=9)

    first = await Budget(tmp_path).enter(use("c1", tokens=90), limits, NOW)
    assert isinstance(await spend(Budget(tmp_path), "c2", limits, NOW, tokens=20), Full)
    assert isinstance(first, int)
    await Budget(tmp_path).leave(first, tokens=30, cost=0)
    assert isinstance(await spend(Budget(tmp_path), "c2", limits, NOW, tokens=20), int)


async def test_one_place_is_taken_once_and_free_again_when_its_holder_died(tmp_path):
    limits = Limits(concurrency=1)

    entered = await asyncio.gather(
        *(Budget(tmp_path).enter(use(f"c{n}"), limits, NOW) for n in range(5))
    )

    assert sum(isinstance(one, int) for one in entered) == 1
    assert isinstance(await Budget(tmp_path).enter(use("c9"), limits, NOW + 2000), int)


async def test_budgets_do_not_know_each_other(tmp_path):
    limits = Limits(runs_per_hour=1)

    assert isinstance(await spend(Budget(tmp_path), "c1", limits, NOW, budget="x"), int)
    assert isinstance(await spend(Budget(tmp_path), "c2", limits, NOW, budget="y"), int)


async def test_only_the_owner_can_read_the_file(tmp_path):
    await spend(Budget(tmp_path), "c", Limits(), NOW)

    assert (tmp_path / "agents.db").stat().st_mode & 0o077 == 0
