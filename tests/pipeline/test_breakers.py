"""Property and adapter: the breakers of several nodes are one."""

import asyncio

from hookagent.actions.circuit import Circuit, CircuitPolicy, Circuits, CircuitState
from hookagent.pipeline import breakers
from hookagent.store.base import StoreUnavailable
from tests.pipeline.conftest import NOW

POLICY = CircuitPolicy(failures=3, pause_ms=1_000, pause_max_ms=4_000)
TARGET = "http://down.test"


def node():
    made = Circuits(POLICY)
    made.news = []
    return made


async def together(store, now, *nodes):
    for _ in range(2):
        for one in nodes:
            await breakers.exchange(store, one, now)


async def test_failures_in_a_row_count_wherever_they_happen(store):
    nodes = [node() for _ in range(3)]
    for one in nodes:
        one.failed(TARGET, NOW)
        assert one.enter(TARGET, NOW) == 0

    await together(store, NOW, *nodes)

    assert [one.enter(TARGET, NOW + 1) for one in nodes] == [999] * 3
    assert nodes[0].states == nodes[1].states == nodes[2].states


async def test_a_success_anywhere_closes_it_everywhere(store):
    nodes = [node() for _ in range(2)]
    for _ in range(3):
        nodes[0].failed(TARGET, NOW)
    await together(store, NOW, *nodes)

    later = NOW + 1_000
    assert nodes[1].enter(TARGET, later) == 0  # the probe
    await together(store, later, *nodes)
    assert nodes[0].enter(TARGET, later) > 0
    nodes[1].succeeded(TARGET, 0)
    await together(store, later, *nodes)

    assert [one.states for one in nodes] == [{}, {}]
    assert await store.kept(breakers.NAME) is None


async def test_what_happens_while_the_store_is_asked_is_not_lost(store, monkeypatch):
    one, other = node(), node()
    one.failed(TARGET, NOW)
    swap = store.swap

    async def slow(*arguments):
        done = await swap(*arguments)
        one.failed(TARGET, NOW)
        return done

    with monkeypatch.context() as busy:
        busy.setattr(store, "swap", slow)
        await breakers.exchange(store, one, NOW)

    assert one.states[TARGET].failures == 2
    await together(store, NOW, one, other)
    assert other.states[TARGET].failures == 2


async def test_nodes_that_write_at_the_same_moment_lose_nothing(store):
    nodes = [node() for _ in range(4)]
    for one in nodes:
        one.failed(TARGET, NOW)
    for _ in range(4):
        await asyncio.gather(*(breakers.exchange(store, one, NOW) for one in nodes))

    assert {one.states[TARGET].failures for one in nodes} == {4}
    assert nodes[0].states[TARGET].state is CircuitState.OPEN


def asking(store, now, *nodes):
    for one in nodes:
        one.ask = lambda target, one=one: breakers.probe(store, one, target, now)


async def opened(store, *nodes):
    """Let the breaker of all nodes open; returns when its pause is over."""
    for _ in range(3):
        nodes[0].failed(TARGET, NOW)
    await together(store, NOW, *nodes)
    asking(store, NOW + 1_000, *nodes)
    return NOW + 1_000


async def test_of_all_nodes_one_sends_the_probe(store):
    nodes = [node() for _ in range(5)]
    later = await opened(store, *nodes)

    waits = await asyncio.gather(*(one.agree(TARGET, later) for one in nodes))

    assert sorted(waits) == [0] + [breakers.LOST_MS] * 4
    assert {one.states[TARGET].state for one in nodes} == {CircuitState.HALF_OPEN}
    first = nodes[waits.index(0)]
    assert await first.agree(TARGET, later + 1) == 59_999  # its own second call is none either
    first.succeeded(TARGET, later)
    await together(store, later, *nodes)
    assert [await one.agree(TARGET, later) for one in nodes] == [0] * 5


async def test_who_asks_for_a_probe_hears_what_came_of_that_of_another(store):
    quick, slow, late = node(), node(), node()
    later = await opened(store, quick, slow, late)
    assert await quick.agree(TARGET, later) == 0
    quick.failed(TARGET, later)
    await breakers.exchange(store, quick, later)

    assert await slow.agree(TARGET, later) == 2_000  # the pause has doubled
    quick.succeeded(TARGET, later)
    await breakers.exchange(store, quick, later)

    assert await late.agree(TARGET, later) == 0
    assert late.states == {}
    assert await store.kept(breakers.NAME) is None


async def test_where_the_store_is_away_or_always_another_is_quicker(store, monkeypatch):
    one = node()
    later = await opened(store, one)

    async def no(*_arguments):
        return False

    with monkeypatch.context() as busy:
        busy.setattr(store, "swap", no)
        assert await one.agree(TARGET, later) == breakers.LOST_MS

    async def away(*_arguments):
        raise StoreUnavailable("away")

    await breakers.exchange(store, one, later)
    monkeypatch.setattr(store, "kept", away)
    assert await one.agree(TARGET, later) == 0


async def test_a_breaker_nobody_asks_for_any_more_is_forgotten(store):
    one = node()
    for _ in range(3):
        one.failed(TARGET, NOW)
    await together(store, NOW, one)

    await breakers.exchange(store, one, NOW + 100_000)

    assert await store.kept(breakers.NAME) is None


def test_what_another_version_wrote_is_no_trouble():
    assert breakers.read(b"{") == {}
    assert breakers.read(None) == {}
    assert breakers.read(breakers.written({"t": Circuit(failures=2)}))["t"].failures == 2
