"""Pure but for the loop's own time: a limit holds, and a freeze does not use it up."""

import asyncio
import time

import pytest

from hookagent.pipeline import patience
from hookagent.pipeline.patience import Patience


async def test_what_takes_too_long_is_ended():
    began = asyncio.get_running_loop().time()

    with pytest.raises(TimeoutError):
        async with Patience(0.05):
            await asyncio.sleep(1_000)

    assert asyncio.get_running_loop().time() - began < 100


async def test_what_ends_in_time_is_left_alone():
    async with Patience(5):
        await asyncio.sleep(0)

    await asyncio.sleep(0.05)


async def test_what_ended_while_the_process_was_frozen_counts_as_in_time(monkeypatch):
    monkeypatch.setattr(patience, "LATE_S", 0.1)
    ended = asyncio.get_running_loop().create_future()

    async with Patience(0.05):
        asyncio.get_running_loop().call_later(0.1, ended.set_result, "in time")
        time.sleep(0.4)  # noqa: ASYNC251 - the whole process stands still: that is the experiment
        assert await ended == "in time"


async def test_after_a_freeze_there_is_an_end_too(monkeypatch):
    monkeypatch.setattr(patience, "LATE_S", 0.1)
    monkeypatch.setattr(patience, "GRACE_S", 0.1)

    async def freeze_and_wait():
        time.sleep(0.4)  # noqa: ASYNC251 - as above
        await asyncio.sleep(10)

    with pytest.raises(TimeoutError):
        async with Patience(0.05):
            await freeze_and_wait()
