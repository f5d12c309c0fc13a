"""Fingerprints in memory and in the table, across generations, rollbacks and restarts."""

import asyncio

import pytest

from hookagent.store.base import StoreUnavailable
from hookagent.store.sqlite import intake, keys
from tests.store.making import event


@pytest.fixture(autouse=True)
def _small_generations(monkeypatch):
    monkeypatch.setattr(keys, "GENERATION", 10)
    monkeypatch.setattr(keys, "MERGE_MIN", 3)


async def accept_all(store, numbers):
    return await asyncio.gather(*(store.accept(event(n)) for n in numbers))


async def test_every_key_is_found_whichever_generation_it_is_in(reopen):
    async with reopen() as store:
        for n in range(1, 100):
            assert not (await store.accept(event(n))).is_duplicate
        assert all(answer.is_duplicate for answer in await accept_all(store, range(1, 100)))
    async with reopen() as store:
        answers = await accept_all(store, range(1, 100))
        assert [answer.id for answer in answers] == [event(n).id for n in range(1, 100)]
        assert all(answer.is_duplicate for answer in answers)


async def test_a_generation_that_ends_in_duplicates_hides_no_later_event(reopen, monkeypatch):
    monkeypatch.setattr(keys, "MERGE_MIN", 64)
    async with reopen() as store:
        await accept_all(store, range(1, 11))
        assert all(answer.is_duplicate for answer in await accept_all(store, range(1, 11)))
    async with reopen() as store:
        assert not (await store.accept(event(50))).is_duplicate
    async with reopen() as store:
        assert (await store.accept(event(50, id="evt_again"))).is_duplicate


async def test_keys_with_the_same_fingerprint_are_still_told_apart(reopen, monkeypatch):
    monkeypatch.setattr(intake, "fingerprint", lambda source_id, key: key[0] % 2)
    async with reopen() as store:
        assert not any(answer.is_duplicate for answer in await accept_all(store, range(1, 40)))
        assert all(answer.is_duplicate for answer in await accept_all(store, range(1, 40)))
    async with reopen() as store:
        answers = await accept_all(store, range(1, 60))
        assert [answer.is_duplicate for answer in answers] == [n < 40 for n in range(1, 60)]


async def test_what_was_rolled_back_is_new_the_next_time(store):
    await accept_all(store, range(1, 15))
    await store._writer.do(lambda at: at.connection.execute("PRAGMA max_page_count=1").fetchall())
    refused = [store.accept(event(n, body=b"x" * 9_000)) for n in range(15, 40)]
    answers = await asyncio.gather(*refused, return_exceptions=True)
    assert {type(answer) for answer in answers} == {StoreUnavailable}
    await store._writer.do(
        lambda at: at.connection.execute("PRAGMA max_page_count=1000000").fetchall()
    )
    assert not any(answer.is_duplicate for answer in await accept_all(store, range(15, 40)))
    assert all(answer.is_duplicate for answer in await accept_all(store, range(1, 40)))


async def test_a_generation_that_began_in_what_was_rolled_back_hides_no_later_event(
    reopen, monkeypatch
):
    monkeypatch.setattr(keys, "MERGE_MIN", 64)
    async with reopen() as store:
        await accept_all(store, range(1, 9))
        await store._writer.do(
            lambda at: at.connection.execute("PRAGMA max_page_count=1").fetchall()
        )
        with store._writer.commit_lock:  # so that all that follows is one commit
            held = [asyncio.ensure_future(store.keep("any", None))]
            await asyncio.sleep(0.05)
            held += [store.accept(event(n)) for n in range(9, 12)]
            held += [asyncio.ensure_future(store.keep("large", b"x" * 1_000_000))]
            await asyncio.sleep(0)
        answers = await asyncio.gather(*held, return_exceptions=True)
        assert {type(answer) for answer in answers[1:]} == {StoreUnavailable}
        await store._writer.do(
            lambda at: at.connection.execute("PRAGMA max_page_count=1000000").fetchall()
        )
        assert not any(answer.is_duplicate for answer in await accept_all(store, range(20, 23)))
    async with reopen() as store:
        again = [await store.accept(event(n, id=f"evt_again{n}")) for n in range(20, 23)]
        assert [answer.is_duplicate for answer in again] == [True] * 3
        assert all(answer.is_duplicate for answer in await accept_all(store, range(1, 9)))


def test_fingerprints_depend_on_source_and_key():
    prints = {keys.fingerprint(source, b"%d" % key) for source in range(20) for key in range(200)}
    assert len(prints) == 4_000
    assert keys.fingerprint(1, b"23") != keys.fingerprint(12, b"3")
    assert max(prints) < 1 << 48
