"""Pure but for the loop's own time: nothing ends it, everything is said."""

import asyncio

from hookagent.pipeline import loops
from hookagent.pipeline.feed import Feed, Trouble
from hookagent.pipeline.loops import Uncut, forever
from hookagent.store.base import StoreUnavailable
from tests.patience import PATIENCE_S


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
    await asyncio.wait_for(done.wait(), PATIENCE_S)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    troubles = [one for one in await news.batch() if isinstance(one, Trouble)]
    assert [(one.part, one.message) for one in troubles] == [
        ("store", "the disk is full"),
        ("worker", "a bug of ours: KeyError"),
    ]
    assert isinstance(told[0]["exception"], KeyError)


async def test_what_must_not_be_cut_is_waited_for_by_a_stop():
    uncut, may_end, ended = Uncut(), asyncio.Event(), []

    async def commit():
        await may_end.wait()
        ended.append(1)
        raise StoreUnavailable("the disk is full")

    loop = asyncio.ensure_future(uncut.do(commit()))
    await asyncio.sleep(0)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    assert (loop.cancelled(), ended) == (True, [])

    asyncio.get_running_loop().call_soon(may_end.set)
    await uncut.settle()

    assert ended == [1]


async def test_who_is_not_cancelled_gets_the_answer():
    async def commit():
        return "ours"

    assert await Uncut().do(commit()) == "ours"
