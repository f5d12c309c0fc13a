"""Text search: through the index, beyond it, and when its file is lost."""

import asyncio
import contextlib

import pytest

from hookagent.store.base import EventFilter, Routed, StoreUnavailable
from hookagent.store.sqlite import listing, search
from hookagent.store.sqlite.connection import PAGE_BYTES
from tests.patience import PATIENCE_S
from tests.store.making import event

TEXTS = {
    1: "The quick brown fox",
    2: 'a "quoted" part and 100% of_it',
    3: "Über den Wölken",
    4: "two\nlines\x00and a zero",
    5: "ab",
    6: "",
    7: "brown bread",
    8: "\N{FOX FACE}\N{FOX FACE}\N{FOX FACE}",
}


@pytest.fixture(autouse=True)
def _always_by_index(monkeypatch):
    monkeypatch.setattr(listing, "FEW", -1)


@pytest.fixture(params=["indexed", "half indexed", "not indexed"])
async def texts(request, store):
    store._indexing.stop()
    for n, text in TEXTS.items():
        await store.accept(event(n, body=text.encode()))
    limit = {"indexed": 100, "half indexed": 4, "not indexed": 0}[request.param]
    assert await store.index_bodies(limit=limit) == min(limit, len(TEXTS))
    return store


@pytest.mark.parametrize(
    "text",
    ["brown", "BROWN F", '"quoted"', "100%", "of_it", "über", "wölk", "zero", "lines\x00and", "ab",
     "a", "\N{FOX FACE}\N{FOX FACE}", "\N{FOX FACE}\N{FOX FACE}\N{FOX FACE}", "no such", "AND", "NEAR("],
)  # fmt: skip
async def test_a_text_is_found_wherever_it_occurs(texts, text):
    expected = [n for n in sorted(TEXTS, reverse=True) if text.lower() in TEXTS[n].lower()]
    assert [one.seq for one in await texts.events(EventFilter(text=text))] == expected
    forward = [one.seq for one in await texts.events(EventFilter(text=text, after=1))]
    assert forward == [n for n in sorted(expected) if n > 1]


async def test_a_text_goes_together_with_other_filters_and_pages(texts):
    await texts.route("w", [Routed(event_id=event(1).id)])
    quiet = await texts.events(EventFilter(text="brown", status="quiet"))
    assert [one.seq for one in quiet] == [1]
    assert [one.seq for one in await texts.events(EventFilter(text="brown", limit=1))] == [7]
    assert [one.seq for one in await texts.events(EventFilter(text="brown", before=7))] == [1]


async def test_a_damaged_search_file_is_made_anew(reopen, path):
    async with reopen() as store:
        await store.accept(event(1, body=b"needle"))
        assert await store.index_bodies(limit=9) == 1
    path.with_name(path.name + ".search").write_bytes(b"garbage " * 1000)
    async with reopen() as store:
        store._indexing.stop()
        assert len(await store.events(EventFilter(text="needle"))) == 1
        assert await store.index_bodies(limit=9) == 1


async def test_damage_found_while_searching_is_said_and_mended(reopen, path):
    async with reopen() as store:
        for n in range(300):
            await store.accept(event(n, body=b"needle %d " % n + bytes(range(65, 91)) * 20))
        await store.index_bodies(limit=1_000)
    file = path.with_name(path.name + ".search")
    file.write_bytes(file.read_bytes()[: 5 * PAGE_BYTES] + b"\x5a" * 40_000)
    async with reopen() as store:
        store._indexing.stop()
        with contextlib.suppress(StoreUnavailable):
            await store.events(EventFilter(text="needle"))
        assert len(await store.events(EventFilter(text="needle", limit=500))) == 300


async def test_the_search_file_of_another_database_is_not_used(reopen, path):
    async with reopen() as store:
        for n in range(1, 5):
            await store.accept(event(n))
        await store.index_bodies(limit=9)
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    async with reopen() as store:
        store._indexing.stop()
        await store.accept(event(1, body=b"needle"))
        assert len(await store.events(EventFilter(text="needle"))) == 1
        assert await store.index_bodies(limit=9) == 1


async def test_parts_are_searched_in_order_and_dropped_with_their_events(store, monkeypatch):
    monkeypatch.setattr(search, "PART_BITS", 2)
    store._indexing.stop()
    for n in range(1, 12):
        await store.accept(event(n, body=b"needle"))
        await store.route("w", [Routed(event_id=event(n).id)])
    await store.index_bodies(limit=100)
    found = [one.seq for one in await store.events(EventFilter(text="needle"))]
    assert found == list(range(11, 0, -1))
    await store.prune(before=event(9).received_at, limit=100)
    assert [one.seq for one in await store.events(EventFilter(text="needle"))] == [11, 10, 9]
    index = store._search
    assert sorted(index._parts(index._connection)) == [2]


async def test_full_chunks_of_new_bodies_are_indexed_in_the_background(store, monkeypatch):
    monkeypatch.setattr(search, "CHUNK_BYTES", 2_000)
    await store.accept(event(1, body=b"needle" * 500))
    async with asyncio.timeout(PATIENCE_S):
        while await store._readers.read(store._search.indexed_to) < 1:  # noqa: ASYNC110 - a thread does it
            await asyncio.sleep(0.05)
