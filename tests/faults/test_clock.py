"""Adapter: the clock jumps while work is under way: nothing is lost, nothing is done twice."""

import asyncio
import json
import sys
import time

import pytest

from hookagent.actions.base import Outside
from hookagent.config.model import Worker as WorkerSettings
from hookagent.environment import Environment
from hookagent.event import Event, RawRequest
from hookagent.job import RunState
from hookagent.pipeline.feed import Feed, Ran
from hookagent.pipeline.hands import given_back
from hookagent.pipeline.limiter import FailureLimiter
from hookagent.pipeline.rulebook import load_rulebook
from hookagent.pipeline.worker import Worker
from hookagent.store.base import Run
from hookagent.store.registry import open_store
from hookagent.verdict import Code, Verdict
from tests.patience import PATIENCE_S, eventually

HOUR = 3_600_000
CENTURY = 100 * 365 * 24 * HOUR
SLOW = "import time; open('begun','a').write('x'); time.sleep(2.5)"
FAILS = (
    "import os,sys; open('tried','a').write('x'); sys.exit(0 if os.path.exists('mended') else 1)"
)


class Clock:
    """The wall clock with a hand on it."""

    def __init__(self) -> None:
        self.offset = 0
        self.worker: Worker | None = None

    @property
    def seen_at(self) -> int:
        """When the worker looked at it last, for what is due."""
        assert self.worker is not None
        return self.worker._overtime._seen_at

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self.offset


def executing(script: str) -> str:
    command = json.dumps([sys.executable, "-c", script])
    return f'[rule.r]\n[[rule.r.do]]\naction = "exec"\ncommand = {command}\n'


@pytest.fixture
async def start(tmp_path):
    """Start a worker with one rule on a clock of the test's own, and give it events."""
    stack = []

    async def begin(rule: str, hosts: int = 1):
        (tmp_path / "rules").mkdir()
        (tmp_path / "rules" / "r.toml").write_text(rule)
        clock, feed = Clock(), Feed()
        store = open_store("sqlite:///t.db", tmp_path / "state", mode="serve")
        await store.open()
        outside = Outside(
            folder=tmp_path, state=tmp_path / "state", environment=Environment({}), clock=clock
        )
        settings = WorkerSettings(lease_ms=60_000)
        worker = Worker(store, feed, outside, settings, {}, owner="w", clock=clock)
        clock.worker = worker
        worker.use(load_rulebook([tmp_path / "rules"], tmp_path, Environment({})))
        news = feed.subscribe()
        await worker.start()
        stack.append((worker, store, outside, feed))
        for number in range(hosts):
            event = Event(
                id=f"evt_{number:024}", source="s", type="t", key=b"%d" % number,
                request=RawRequest(received_at=clock()), payload={"host": f"h{number}"},
                verdict=Verdict(valid=True, scheme="none", code=Code.UNCHECKED),
            )  # fmt: skip
            await store.accept(event, owner="w", lease_until=worker.lease(clock()))
            worker.offer(event)
        return clock, news

    yield begin
    for worker, store, outside, feed in stack:
        await worker.stop()
        await outside.close()
        await store.close()
        feed.close()


async def ran(news, state: str) -> Ran:
    """Return the next end of a run in that state."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for one in await news.batch():
                if isinstance(one, Ran) and one.state == state:
                    return one


@pytest.mark.parametrize("jump", [HOUR, -HOUR, CENTURY, -CENTURY])
async def test_a_step_under_way_is_not_begun_again_when_the_clock_jumps(start, tmp_path, jump):
    clock, news = await start(executing(SLOW))
    await eventually((tmp_path / "begun").exists)

    clock.offset = jump

    await ran(news, "done")
    assert (tmp_path / "begun").read_text() == "x"


async def test_a_leap_to_the_future_and_back_loses_no_retry(start, tmp_path):
    retry = 'retry = { attempts = 5, first_delay = "1s", max_delay = "1s" }\n'
    clock, news = await start(executing(FAILS) + retry)
    await ran(news, "waiting")

    clock.offset = CENTURY
    await eventually(lambda: len((tmp_path / "tried").read_text()) > 1)
    clock.offset = 0
    (tmp_path / "mended").touch()
    clock.offset = CENTURY + HOUR  # what was put off in the future comes when that is reached

    assert (await ran(news, "done")).rule == "r"


ABSENT = """
[rule.r]
absence = { after = "90s", by = ["host"] }
[[rule.r.do]]
action = "log"
text = "{{ key.host }}"
"""


@pytest.mark.parametrize("jump", [HOUR, CENTURY])
async def test_a_leap_or_a_sleep_is_no_storm_of_alerts(start, jump):
    clock, news = await start(ABSENT, hosts=30)
    started = clock()
    await asyncio.sleep(1.5)
    await eventually(lambda: clock.seen_at >= started)  # it looks once a second

    clock.offset = jump
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3):
            await ran(news, "done")
    alert = asyncio.ensure_future(ran(news, "done"))
    while not alert.done():  # time goes on as it does for who is awake, only faster
        clock.offset += 50_000
        await eventually(lambda: clock.seen_at >= clock() - 25_000 or alert.done())
        await asyncio.sleep(0.1)

    assert (await alert).rule == "r"


@pytest.mark.parametrize("jump", [-HOUR, -CENTURY])
async def test_a_leap_back_fires_nothing(start, jump):
    clock, news = await start(ABSENT, hosts=30)

    clock.offset = jump

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(4):
            await ran(news, "done")


def test_a_guesser_gains_nothing_by_a_clock_that_jumps_back():
    limiter = FailureLimiter(2)
    now = 1_700_000_000_000

    assert [limiter.failed("a", at) for at in (now, now, now, now - HOUR, now - HOUR)] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert limiter.failed("a", now + HOUR)


def test_a_claimed_run_that_is_given_back_stays_interrupted():
    """Given back as pending, a step that may not be repeated would have been repeated."""
    interrupted = Run(id="a", event_id="e", rule="r", version="v", state=RunState.RUNNING)
    interrupted.is_interrupted = True
    waiting = Run(id="b", event_id="e", rule="r", version="v", state=RunState.RUNNING)

    assert [given_back(run).state for run in (interrupted, waiting)] == [
        RunState.RUNNING, RunState.PENDING,
    ]  # fmt: skip
    assert interrupted.lease_until == 0
