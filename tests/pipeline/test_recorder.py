"""Adapter: runs are written together, each `record` returns when its own commit is on disk."""

import asyncio

import pytest

from hookagent.job import RunState, Step
from hookagent.pipeline import recorder as recording
from hookagent.pipeline.recorder import Recorder
from hookagent.store.base import Run, StoreUnavailable
from tests.pipeline.conftest import NOW


class Flaky:
    """A store that fails as often as told, then writes."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.batches: list[list[str]] = []

    async def record(self, owner: str, runs) -> list[bool]:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("the disk is full")
        self.batches.append([run.id for run in runs])
        return [run.id != "lost" for run in runs]


def a_run(name: str) -> Run:
    return Run(
        id=name,
        event_id="evt_1",
        rule="r",
        state=RunState.DONE,
        steps=[Step(name="a", action="log")],
    )


@pytest.fixture
def start(feed):
    tasks = []

    def begin(store):
        recorder = Recorder(store, feed, "w", lambda: NOW)
        tasks.append((recorder, asyncio.get_running_loop().create_task(recorder.run())))
        return recorder

    return begin, tasks


async def test_what_is_recorded_at_once_shares_a_commit(start):
    begin, tasks = start
    store = Flaky(0)
    recorder = begin(store)

    ours = await asyncio.gather(*(recorder.record(a_run(name)) for name in ("a", "b", "lost")))
    recorder.close()
    await tasks[0][1]

    assert ours == [True, True, False]
    assert store.batches == [["a", "b", "lost"]]


async def test_a_store_that_is_away_is_waited_for_and_nothing_is_dropped(start, monkeypatch):
    monkeypatch.setattr(recording, "PAUSE_S", 0)
    begin, tasks = start
    store = Flaky(3)
    recorder = begin(store)

    first = await recorder.record(a_run("a"))
    recorder.close()
    await tasks[0][1]

    assert first
    assert store.batches == [["a"]]


async def test_closing_writes_what_is_queued(start):
    begin, tasks = start
    store = Flaky(0)
    recorder = begin(store)
    written = recorder.record(a_run("a"))
    recorder.close()
    await tasks[0][1]

    assert written.result()


class Choosy(Flaky):
    """A store that meets a bug whenever one run is among those to be written."""

    async def record(self, owner: str, runs) -> list[bool]:
        if any(run.id == "poison" for run in runs):
            raise ValueError("cannot be encoded")
        return await super().record(owner, runs)


async def test_a_run_that_cannot_be_written_is_told_and_holds_up_no_other(start, feed):
    told, news = [], feed.subscribe()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    begin, tasks = start
    store = Choosy(0)
    recorder = begin(store)

    names = ("a", "poison", "b", "c")
    first = await asyncio.gather(
        *(recorder.record(a_run(name)) for name in names), return_exceptions=True
    )
    again = await asyncio.gather(*(recorder.record(a_run(name)) for name in "defg"))
    recorder.close()
    await tasks[0][1]

    assert [type(one) for one in first] == [bool, ValueError, bool, bool]
    assert again == [True] * 4
    assert sorted(name for batch in store.batches for name in batch) == list("abcdefg")
    assert len(told) == 1
    assert [one.message for one in await news.batch()] == ["a bug of ours: ValueError"]
