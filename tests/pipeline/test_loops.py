"""Pure but for the loop's own time: nothing ends it, everything is said."""

import asyncio

from hookagent.pipeline import loops
from hookagent.pipeline.feed import Feed, Trouble
from hookagent.pipeline.loops import forever
from hookagent.store.base import StoreUnavailable


async def test_a_bug_and_an_absent_store_are_told_and_the_loop_goes_on(monkeypatch):
    monkeypatch.setattr(loops, "PAUSE_S", 0.0)
    feed, told, done = Feed(), [], asyncio.Event()
    news = feed.subscribe()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    failures = [StoreUnavailable("the disk is full"), KeyError("x")]

    async def once():
        if failures:
            raise failures.pop(0)
        done.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(forever(once, feed, lambda: 7))
    await asyncio.wait_for(done.wait(), 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    troubles = [one for one in await news.batch() if isinstance(one, Trouble)]
    assert [(one.part, one.message) for one in troubles] == [
        ("store", "the disk is full"),
        ("worker", "a bug of ours: KeyError"),
    ]
    assert isinstance(told[0]["exception"], KeyError)
