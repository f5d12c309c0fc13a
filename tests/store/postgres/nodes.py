"""A process that writes to a store until it is told to stop, and says what was confirmed."""

import asyncio
import sys

import msgspec

from hookagent.job import RunState
from hookagent.store.base import Routed, StoreUnavailable
from hookagent.store.postgres import PostgresStore, read_address
from tests.store.making import event, running

CALLERS = 8


async def write(url: str, owner: str, first: int, count: int) -> None:
    """Accept `count` events from number `first` on, route each and end its run; try until it is done."""
    store = PostgresStore(read_address(url))
    await store.open()
    print("ready", flush=True)
    numbers = iter(range(first, first + count))

    async def caller() -> None:
        for n in numbers:
            given = event(n)
            await again(lambda given=given: store.accept(given, owner=owner, lease_until=1))
            print("stored", n, flush=True)
            leased = running(n, given, owner=owner)
            outcome = Routed(event_id=given.id, runs=[leased])
            await again(lambda outcome=outcome: store.route(owner, [outcome]))
            done = msgspec.structs.replace(leased, state=RunState.DONE)
            if await again(lambda done=done: store.record(owner, [done])) == [True]:
                print("done", n, flush=True)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    await store.close()
    print("end", flush=True)


async def again(ask):
    """Ask until the store answers, as a sender and the worker do."""
    while True:
        try:
            return await ask()
        except StoreUnavailable:
            await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
