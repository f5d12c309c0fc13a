"""One breaker per target for all nodes of a shared store.

What happens to breakers here (a failure, a success, a probe let through) is added once a second to
what the store has of all nodes, and the sum is what counts here from then on. So ten failures in a
row open a breaker wherever they happened, and the others see it open within a second. A probe is
taken in the store before it is sent, so that of all nodes one sends it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec

from hookagent.actions.base import Outside
from hookagent.actions.circuit import Circuit, Circuits, CircuitState, enter, replay
from hookagent.actions.client import client_of
from hookagent.store.base import Store, StoreUnavailable

NAME = "breakers"
EVERY_S = 1.0
TRIES_MAX = 5
"""So often within one turn, when other nodes write at the same moment."""
LOST_MS = 2_000
"""Who may not send a probe asks again then: it has been answered by and large."""
NEWS_MAX = 10_000
"""What is not told while the store is away; the oldest goes first."""

_decode = msgspec.json.Decoder(dict[str, Circuit]).decode


async def share(store: Store, outside: Outside, clock: Callable[[], int]) -> None:
    """Keep the breakers of this node and those of the store together until cancelled."""
    circuits = (await client_of(outside)).circuits
    circuits.news = []
    turn = asyncio.Lock()

    async def ask(target: str) -> int:
        async with turn:
            return await probe(store, circuits, target, clock())

    circuits.ask = ask
    while True:
        async with turn:
            with suppress(StoreUnavailable):  # the worker says that it is away
                await exchange(store, circuits, clock())
        del circuits.news[:-NEWS_MAX]
        await asyncio.sleep(EVERY_S)


async def exchange(store: Store, circuits: Circuits, now: int) -> None:
    """Tell what happened here, and take over what all nodes know. Raises StoreUnavailable."""
    for _ in range(TRIES_MAX):
        before = await store.kept(NAME)
        known = read(before)
        told = list(circuits.news or ())
        after = _living(replay(known, told, circuits.policy), circuits.policy.pause_max_ms, now)
        if after == known or await store.swap(NAME, before, written(after)):
            if circuits.news is not None:
                del circuits.news[: len(told)]
            circuits.adopt(after)
            return


async def probe(store: Store, circuits: Circuits, target: str, now: int) -> int:
    """Take the probe of a target for this node.

    Returns 0 to go on, also where the store is away; else how many ms to stay away: another node
    has it, or was told to wait longer.
    """
    with suppress(StoreUnavailable):
        for _ in range(TRIES_MAX):
            before = await store.kept(NAME)
            known = read(before)
            told = list(circuits.news or ())
            after = replay(known, told, circuits.policy)
            circuit, wait = enter(after.get(target, Circuit()), circuits.policy, now)
            if wait or circuit.state is CircuitState.CLOSED:
                circuits.adopt(known)
                return min(wait, LOST_MS) if circuit.state is CircuitState.HALF_OPEN else wait
            after[target] = circuit
            if await store.swap(NAME, before, written(after)):
                if circuits.news is not None:
                    del circuits.news[: len(told)]
                circuits.adopt(after)
                return 0
        return LOST_MS
    return 0


def read(kept: bytes | None) -> dict[str, Circuit]:
    """Return what all nodes know of breakers."""
    try:
        return {} if kept is None else _decode(kept)
    except msgspec.MsgspecError:
        return {}  # of another version; it fills again by itself


def written(states: dict[str, Circuit]) -> bytes | None:
    """Return what to keep of breakers; None where there is nothing to say."""
    return msgspec.json.encode(states) if states else None


def _living(states: dict[str, Circuit], pause_max_ms: int, now: int) -> dict[str, Circuit]:
    """Drop breakers that nobody has entered long after their pause: nobody calls there any more."""
    return {
        target: circuit
        for target, circuit in states.items()
        if not circuit.until or now < circuit.until + 10 * pause_max_ms
    }
