"""Adapter: stored events come in the order of their arrival, decoded."""

import pytest

from hookagent.event import Event, Headers, RawRequest
from hookagent.pipeline.history import count_until, decoded, history
from hookagent.store.base import EventFilter
from hookagent.store.sqlite import SqliteStore
from hookagent.verdict import Code, Verdict


def event(n: int, source: str = "shop") -> Event:
    return Event(
        id=f"evt_{n:04}",
        source=source,
        key=b"%d" % n,
        request=RawRequest(body=b'{"n": %d}' % n, received_at=1_000 + n),
        verdict=Verdict(valid=True, scheme="none", code=Code.UNCHECKED),
    )


@pytest.fixture
async def store(tmp_path):
    made = SqliteStore(tmp_path / "store.db")
    await made.open()
    yield made
    await made.close()


async def test_the_latest_of_a_filter_come_oldest_first_with_their_payload(store):
    for n in range(1_203):
        store.accept(event(n, "shop" if n % 2 else "other"))
    await store.accept(event(9_999))

    found = [one async for one in history(store, {}, EventFilter(source="shop", limit=550))]

    assert len(found) == 550
    assert found[-1].id == "evt_9999"
    assert [one.received_at for one in found] == sorted(one.received_at for one in found)
    assert found[0].payload == {"n": int(found[0].id[4:])}


async def test_fewer_than_asked_for_are_all_and_how_many_is_told_first(store):
    await store.accept(event(1))
    totals: list[int] = []

    assert (
        len([it async for it in history(store, {}, EventFilter(limit=50), told=totals.append)]) == 1
    )
    assert totals == [1]


async def test_how_many_there_are_until_a_moment_is_told_by_their_numbers(store):
    assert await count_until(store, 5_000) == 0
    for n in range(3):
        await store.accept(event(n))

    assert await count_until(store, 5_000) == 3
    assert await count_until(store, 1_002) == 2
    assert await count_until(store, 500) == 0


def test_a_form_is_decoded_as_it_says_and_a_payload_is_kept():
    form = Headers.of({"Content-Type": "application/x-www-form-urlencoded"})
    request = RawRequest(body=b"a=1", headers=form)
    verdict = Verdict(valid=True, scheme="none", code=Code.UNCHECKED)
    bare = Event(id="e", source="s", request=request, verdict=verdict)

    once = decoded(bare, {})

    assert once.payload == {"a": "1"}
    assert decoded(once, {}) is once
