"""SQLite: runs in order cost by what is at work, and survive a salvage."""

import sqlite3

from hookagent.job import RunState
from hookagent.store.base import Routed
from hookagent.store.sqlite import SqliteStore, salvage
from hookagent.store.sqlite.connection import Purpose, connect
from tests.store.conformance_sharing import LATER, LEASE, ordered
from tests.store.making import event, run


async def _fill(store, count):
    for n in range(1, count + 1):
        await store.accept(event(n), owner="w", lease_until=LATER)
    outcomes = [
        Routed(event_id=event(n).id, runs=[ordered(n, event(n))], left_to_judge=["r"])
        for n in range(1, count + 1)
    ]
    await store.route("w", outcomes)


async def test_only_the_first_run_of_a_key_is_looked_at_however_many_wait(reopen, path):
    async with reopen() as store:
        await _fill(store, 300)
        (first,) = await store.claim_runs("a", **LEASE)
        assert first.id == run(1, None).id
    connection = connect(path, Purpose.READ)
    awake = connection.execute("SELECT count(*) FROM runs WHERE wake_at < 1 << 60").fetchone()
    plan = connection.execute(
        "EXPLAIN QUERY PLAN SELECT seq FROM runs INDEXED BY runs_in_order WHERE rule_id = 1"
        " AND order_key = 'k' AND wake_at IS NOT NULL ORDER BY event_seq, seq LIMIT 1"
    ).fetchall()
    connection.close()
    assert awake == (1,)
    assert not any("TEMP B-TREE" in row[-1] for row in plan)


async def test_what_is_salvaged_goes_on_where_the_first_run_of_a_key_is_lost(reopen, path):
    async with reopen() as store:
        await _fill(store, 3)
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM runs WHERE id = ?", (run(1, None).id,))
    connection.execute("DELETE FROM events WHERE id = ?", (event(1).id,))
    connection.commit()
    connection.close()
    saved = path.with_name("saved.db")

    salvage(path, saved)

    store = SqliteStore(saved)
    await store.open()
    try:
        docket = await store.docket(before=LATER, limit=9)
        assert [one.event.id for one in docket.entries] == [event(2).id, event(3).id]
        (second,) = await store.claim_runs("a", **LEASE)
        assert (second.id, second.state) == (run(2, None).id, RunState.RUNNING)
    finally:
        await store.close()
