"""Several nodes on one database."""

import asyncio
import random
from contextlib import AsyncExitStack

import msgspec
import pytest

from hookagent.job import RunState
from hookagent.store.base import EventFilter, Routed, RunFilter
from hookagent.store.sharing import News
from tests.patience import PATIENCE_S
from tests.store.making import T0, event, replay, run, running

LEASE = {"now": T0, "lease_until": T0 + 1_000}


@pytest.fixture
async def nodes(reopen):
    """Open the same store three times."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(reopen()) for _ in range(3)]


async def test_of_a_race_for_one_key_exactly_one_is_stored(nodes):
    rivals = [
        (node, event(n, id=f"evt_{at}_{n}")) for n in range(40) for at, node in enumerate(nodes)
    ]
    random.Random(1).shuffle(rivals)
    answers = await asyncio.gather(*(node.accept(given) for node, given in rivals))
    assert [answer.is_duplicate for answer in answers].count(False) == 40
    first = {given.key: answer.id for (_, given), answer in zip(rivals, answers, strict=True)}
    for (_, given), answer in zip(rivals, answers, strict=True):
        assert answer.id == first[given.key]
    found = await nodes[0].events(EventFilter(limit=100))
    assert {one.id for one in found} == set(first.values())
    assert {one.duplicates for one in found} == {2}
    stats = await nodes[1].stats(since=0)
    assert (stats.events, stats.sources[0].events, stats.sources[0].duplicates) == (40, 40, 80)


async def test_two_that_claim_get_different_work(nodes):
    given = [event(n) for n in range(200)]
    await asyncio.gather(*(nodes[0].accept(one) for one in given))

    async def claim(at):
        taken = []
        while more := await nodes[at].claim_events(f"w{at}", **LEASE, limit=7):
            taken += [one.id for one in more]
        return taken

    taken = await asyncio.gather(*(claim(at) for at in range(3)))
    assert sorted(one for part in taken for one in part) == sorted(one.id for one in given)
    for at, part in enumerate(taken):
        outcomes = [
            Routed(event_id=event_id, runs=[run(int(event_id[-12:], 16), None, event_id=event_id)])
            for event_id in part
        ]
        assert all(await nodes[at].route(f"w{at}", outcomes))

    async def work(at):
        done = []
        while more := await nodes[at].claim_runs(f"w{at}", **LEASE, limit=5, limits={"label": 20}):
            ended = [msgspec.structs.replace(one, state=RunState.DONE) for one in more]
            assert all(await nodes[at].record(f"w{at}", ended))
            done += [one.id for one in more]
        return done

    done = await asyncio.gather(*(work(at) for at in range(3)))
    assert len([one for part in done for one in part]) == 200
    assert await nodes[0].runs(RunFilter(states=[RunState.PENDING, RunState.RUNNING])) == []


async def test_a_limit_holds_for_all_together(nodes):
    given = [event(n) for n in range(60)]
    await asyncio.gather(*(nodes[0].accept(one) for one in given))
    await nodes[0].route(
        "w", [Routed(event_id=one.id, runs=[run(n, one)]) for n, one in enumerate(given)]
    )
    for _ in range(5):
        taken = await asyncio.gather(
            *(
                node.claim_runs(f"w{at}", **LEASE, limit=9, limits={"label": 4})
                for at, node in enumerate(nodes)
            )
        )
        assert sum(map(len, taken)) == 4
        for at, part in enumerate(taken):
            ended = [msgspec.structs.replace(one, state=RunState.DONE) for one in part]
            await nodes[at].record(f"w{at}", ended)


async def test_who_follows_misses_nothing_whatever_order_commits_come_in(nodes):
    seen: list[str] = []
    accepted: list[str] = []
    is_over = False

    async def follow():
        after = 1
        while True:
            last = is_over
            page = await nodes[2].events(EventFilter(after=after, limit=50))
            seen.extend(one.id for one in page)
            after = page[-1].seq if page else after
            if last and not page:
                return

    async def send(node, first):
        for n in range(first, first + 150):
            answer = await node.accept(event(n))
            accepted.append(answer.id)

    async def send_all():
        await asyncio.gather(*(send(nodes[at % 2], 1 + at * 1000) for at in range(8)))

    following = asyncio.create_task(follow())
    await send_all()
    is_over = True
    await asyncio.wait_for(following, PATIENCE_S)
    assert len(seen) == len(set(seen)) == 1200
    assert set(seen) == set(accepted)


async def test_a_run_waits_for_events_that_may_still_be_committed_before_its_own(nodes):
    """A transaction that accepts has its number, but is not done: later ones wait."""
    session = await nodes[0]._connect()
    async with session.transaction():
        await session.fetch("SELECT hook.next_numbers()")
        await nodes[1].accept(event(1), owner="w", lease_until=T0 + 99)
        given = run(1, event(1), order_key="k")
        free = run(2, event(1), "free")
        assert await nodes[1].route("w", [Routed(event_id=event(1).id, runs=[given, free])])
        taken = await nodes[1].claim_runs("w", **LEASE, limit=9)
        assert [one.id for one in taken] == [free.id]
        assert await nodes[1].events(EventFilter(after=1)) == []
        assert len(await nodes[1].events(EventFilter())) == 1
    await session.close()
    (taken,) = await nodes[1].claim_runs("w", **LEASE, limit=9)
    assert taken.id == given.id
    assert len(await nodes[1].events(EventFilter(after=1))) == 1


async def test_others_hear_that_there_is_something_to_do(nodes):
    heard: list[asyncio.Queue[News]] = [asyncio.Queue() for _ in nodes]
    for node, queue in zip(nodes, heard, strict=True):
        node.listen(queue.put_nowait)

    async def hears(at, news):
        async with asyncio.timeout(PATIENCE_S):
            while await heard[at].get() is not news:
                pass

    async with asyncio.timeout(PATIENCE_S):  # LISTEN is under way: ring until it is there
        while heard[1].empty() or heard[2].empty():
            await nodes[0].accept(event(random.randrange(10**9)))
            await asyncio.sleep(0.05)
    assert heard[0].empty()
    await nodes[0].accept(event(1))
    await asyncio.gather(hears(1, News.EVENTS), hears(2, News.EVENTS))
    await nodes[1].route(
        "w", [Routed(event_id=event(1).id, runs=[run(1, event(1))], left_to_judge=["a"])]
    )
    await asyncio.gather(hears(0, News.RUNS), hears(2, News.RUNS))
    await hears(0, News.DOCKET)


async def test_a_frozen_node_cannot_write_what_another_took_over(nodes):
    await nodes[0].accept(event(1), owner="a", lease_until=T0 + 10)
    late = {"now": T0 + 10, "lease_until": T0 + 1_000, "limit": 9}
    assert len(await nodes[1].claim_events("b", **late)) == 1
    of_a = Routed(event_id=event(1).id, runs=[running(1, event(1), owner="a")])
    of_b = Routed(event_id=event(1).id, runs=[running(2, event(1), owner="b")])
    written = await asyncio.gather(nodes[0].route("a", [of_a]), nodes[1].route("b", [of_b]))
    assert list(written) == [[False], [True]]
    (one,) = await nodes[2].runs(RunFilter())
    assert one.owner == "b"


HOSTILE = "x\0\ud800\uf8fe0000\uf8fe'\"$1 hook.events %s \u202e\U0001f4a9" + "long" * 20_000


async def test_text_of_strangers_comes_back_as_it_was(nodes):
    given = event(1, type=HOSTILE, body=b"\0\xff" * 9, detail=HOSTILE, source="s\0urce")
    await nodes[0].accept(given)
    other = replay(2, given)
    await nodes[1].accept(other)
    one = run(1, given, order_key=HOSTILE, reason=HOSTILE, state=RunState.DEAD)
    await nodes[1].route("w", [Routed(event_id=given.id, runs=[one])])
    record = await nodes[2].event(given.id)
    assert record is not None
    assert record.event == given
    assert (record.summary.type, record.summary.source) == (HOSTILE, "s\0urce")
    assert record.runs == [one]
    assert [it.id for it in await nodes[2].events(EventFilter(type=HOSTILE[:20] + "*"))] == [
        given.id
    ]
    assert await nodes[2].claim_events("w", **LEASE, limit=9) == [other]


async def test_one_bad_entry_does_not_fail_the_others_in_its_commit(nodes):
    bad = event(2, at=1 << 63)  # PostgreSQL's numbers end there
    answers = await asyncio.gather(
        nodes[0].accept(event(1)), nodes[0].accept(bad), nodes[0].accept(event(3)),
        return_exceptions=True,
    )  # fmt: skip
    assert [isinstance(answer, Exception) for answer in answers] == [False, True, False]
