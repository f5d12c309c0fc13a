"""A PgBouncer stands between: what works, and what is said where it does not."""

import asyncio
from contextlib import contextmanager

import pytest

from hookagent.job import RunState
from hookagent.store.base import EventFilter, Routed, StoreUnavailable
from hookagent.store.postgres import PostgresStore, read_address, session
from hookagent.store.sharing import JUDGE, News
from tests.patience import PATIENCE_S
from tests.store.making import T0, event, running
from tests.store.postgres.cluster import NoServer
from tests.store.postgres.pooler import pooled

LEASE = {"now": T0, "lease_until": T0 + 60_000, "limit": 7}


@contextmanager
def behind(url, mode, **options):
    server, _, query = url.partition("?")
    try:
        with pooled(server, mode, **options) as pooler:
            yield f"{pooler}?{query}"
    except NoServer as reason:
        pytest.skip(str(reason))


async def opened(url):
    store = PostgresStore(read_address(url))
    await store.open()
    return store


@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_two_nodes_share_their_work_through_it(url, mode):
    with behind(url, mode) as through:
        nodes = [await opened(through) for _ in range(2)]
        try:
            await asyncio.gather(*(nodes[n % 2].accept(event(n)) for n in range(1, 101)))
            taken = 0
            while taken < 100:
                for at, node in enumerate(nodes):
                    events = await node.claim_events(f"w{at}", **LEASE)
                    taken += len(events)
                    runs = [running(int(one.id[-12:], 16), one, owner=f"w{at}") for one in events]
                    routed = [
                        Routed(event_id=one.id, runs=[its])
                        for one, its in zip(events, runs, strict=True)
                    ]
                    assert all(await node.route(f"w{at}", routed))
                    for its in runs:
                        its.state = RunState.DONE
                    assert all(await node.record(f"w{at}", runs))
            assert await nodes[0].hold(JUDGE, "w0", now=T0, until=T0 + 9)
            assert not await nodes[1].hold(JUDGE, "w1", now=T0, until=T0 + 9)
            assert await nodes[0].swap("n", None, b"1")
            assert await nodes[1].kept("n") == b"1"
            found = await nodes[1].events(EventFilter(limit=200))
            assert [one.runs for one in found] == [{"done": 1}] * 100
            text = event(7).request.body.decode()
            assert event(7).id in {one.id for one in await nodes[0].events(EventFilter(text=text))}
        finally:
            for node in nodes:
                await node.close()


async def test_news_are_heard_where_it_pools_sessions(url):
    with behind(url, "session") as through:
        here, there = await opened(through), await opened(through)
        heard = asyncio.Event()
        there.listen(lambda news: heard.set() if news is News.EVENTS else None)
        try:
            async with asyncio.timeout(PATIENCE_S):
                n = 0
                while not heard.is_set():  # the first may come before it listens
                    n += 1
                    await here.accept(event(n))
                    await asyncio.sleep(0.2)
        finally:
            await here.close()
            await there.close()


@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_nothing_stays_prepared_behind_it_unless_that_is_asked_for(url, mode):
    with behind(url, mode) as through:
        for address, expected in ((url, True), (through, False), (f"{through}&prepare=yes", True)):
            made = await session.connect(read_address(address))
            assert made.keeps_prepared is expected
            await made.close()


@pytest.mark.parametrize(
    ("mode", "options", "said", "hint"),
    [
        ("transaction", "&prepare=yes", "prepared statement", "`prepare=yes` out of the URL"),
        ("statement", "", "does not take what we send", "`pool_mode`"),
    ],
)
async def test_what_cannot_be_done_behind_it_is_said_at_the_start(url, mode, options, said, hint):
    with behind(url, mode) as through:
        store = PostgresStore(read_address(f"{through}{options}"))
        with pytest.raises(StoreUnavailable, match=said) as refused:
            await _open_twice(store)
        assert hint in (refused.value.hint or "")
        await store.close()


async def _open_twice(store):
    for _ in range(2):
        await store.open()


async def test_one_that_has_no_connection_left_is_not_waited_for(url, monkeypatch):
    monkeypatch.setattr(session, "CHECK_S", 0.5)
    with behind(url, "session", size=1) as through:
        first = await session.connect(read_address(url))
        held = await session.connect(read_address(through))
        with pytest.raises(StoreUnavailable, match="let us in and did not answer") as refused:
            await session.connect(read_address(through))
        assert "default_pool_size" in (refused.value.hint or "")
        await held.close()
        await first.close()
