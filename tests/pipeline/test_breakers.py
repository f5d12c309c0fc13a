"""Property and adapter: the breakers of several nodes are one."""

import asyncio

from hookagent.actions.circuit import Circuit, CircuitPolicy, Circuits, CircuitState
from hookagent.pipeline import breakers
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
