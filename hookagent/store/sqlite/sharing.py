"""Duties, nodes, the judge's docket: what is shared, though a file has one owner at a time."""

import sqlite3
from collections.abc import Callable, Sequence

import msgspec

from hookagent.store.base import Routed
from hookagent.store.rows import RUNNING, event_of
from hookagent.store.sharing import (
    JUDGE,
    NODE_KEPT_MS,
    Docket,
    Duty,
    Entry,
    News,
    Node,
    docket_of,
    nodes_of,
)
from hookagent.store.sqlite.readers import Readers
from hookagent.store.sqlite.rows import EVENT_COLUMNS
from hookagent.store.sqlite.work import keep, write_judged
from hookagent.store.sqlite.writer import Transaction, Writer

_names = msgspec.json.Decoder(list[str])

_HOLD = """
    INSERT INTO duties VALUES (?1, ?2, ?4) ON CONFLICT (name) DO UPDATE
    SET owner = excluded.owner, until = excluded.until
    WHERE duties.owner = excluded.owner OR duties.until <= ?3
"""
_RELEASE_RUNS = f"""
    UPDATE runs SET lease_until = 1, wake_at = 1
    WHERE wake_at > 1 AND state = {RUNNING} AND owner = ?
"""  # noqa: S608 - a constant of ours
_RELEASE_EVENTS = "UPDATE unrouted SET lease_until = 0 WHERE lease_until > 0 AND owner = ?"
_DOCKET = "SELECT seq, rules FROM docket WHERE received_at < ? ORDER BY received_at, id LIMIT ?"
_OLDEST_UNROUTED = """
    SELECT min(e.received_at) FROM unrouted AS u JOIN events AS e ON e.seq = u.seq
"""


class SqliteSharing:
    """The sharing part of the store."""

    _writer: Writer
    _readers: Readers

    @property
    def is_shared(self) -> bool:
        """One process serves from a file at a time."""
        return False

    async def hold(self, duty: str, owner: str, *, now: int, until: int) -> bool:
        """Take a duty, or keep it longer."""
        is_held: bool = await self._writer.do(
            lambda transaction: _hold(transaction, duty, owner, now, until)
        )
        return is_held

    async def let_go(self, duty: str, owner: str) -> None:
        """Give a duty back."""
        await self._writer.do(lambda transaction: _let_go(transaction, duty, owner))

    async def duties(self) -> list[Duty]:
        """Return who has which duty."""
        return await self._readers.read(_duties)

    async def report(self, node: Node) -> None:
        """Say how a node is."""
        await self._writer.do(lambda transaction: _report(transaction, node))

    async def forget_node(self, node_id: str) -> None:
        """Drop the report of a node."""
        await self._writer.do(lambda transaction: _forget_node(transaction, node_id))

    async def release(self, silent: Sequence[Node]) -> int:
        """End the leases of nodes that have not reported since."""
        ended: int = await self._writer.do(lambda transaction: _release(transaction, silent))
        return ended

    async def nodes(self, *, since: int) -> list[Node]:
        """Return the nodes seen since then."""
        return await self._readers.read(lambda connection: _nodes(connection, since))

    async def docket(self, *, before: int, limit: int) -> Docket:
        """Return what waits for the judge."""
        return await self._readers.read(lambda connection: _docket(connection, before, limit))

    async def judge(self, owner: str, judged: Sequence[Routed]) -> bool:
        """Record what the judge found, unless another is the judge."""
        is_written: bool = await self._writer.do(
            lambda transaction: _judge(transaction, owner, judged)
        )
        return is_written

    async def swap(self, name: str, before: bytes | None, after: bytes | None) -> bool:
        """Replace a kept value if it is still what it was."""
        is_swapped: bool = await self._writer.do(
            lambda transaction: _swap(transaction, name, before, after)
        )
        return is_swapped

    def listen(self, heard: Callable[[News], None]) -> None:
        """Tell nothing: nobody else writes here."""


def _hold(transaction: Transaction, duty: str, owner: str, now: int, until: int) -> bool:
    """Take or keep a duty unless another has it."""
    return transaction.connection.execute(_HOLD, (duty, owner, now, until)).rowcount == 1


def _let_go(transaction: Transaction, duty: str, owner: str) -> None:
    """Give a duty back."""
    transaction.connection.execute("DELETE FROM duties WHERE name = ? AND owner = ?", (duty, owner))


def _duties(connection: sqlite3.Connection) -> list[Duty]:
    """Return who has which duty."""
    rows = connection.execute("SELECT name, owner, until FROM duties ORDER BY name")
    return [Duty(name=name, owner=owner, until=until) for name, owner, until in rows]


def _report(transaction: Transaction, node: Node) -> None:
    """Replace a node's report; drop those of nodes long gone."""
    execute = transaction.connection.execute
    execute(
        "INSERT OR REPLACE INTO nodes VALUES (?, ?, ?)",
        (node.id, node.seen_at, msgspec.json.encode(node)),
    )
    execute("DELETE FROM nodes WHERE seen_at < ?", (node.seen_at - NODE_KEPT_MS,))


def _forget_node(transaction: Transaction, node_id: str) -> None:
    """Drop a node's report."""
    transaction.connection.execute("DELETE FROM nodes WHERE id = ?", (node_id,))


def _release(transaction: Transaction, silent: Sequence[Node]) -> int:
    """End the leases of those whose report is still this one."""
    execute = transaction.connection.execute
    ended = 0
    for node in silent:
        known = execute("SELECT 1 FROM nodes WHERE id = ? AND seen_at = ?", (node.id, node.seen_at))
        if known.fetchone():
            ended += execute(_RELEASE_RUNS, (node.id,)).rowcount
            ended += execute(_RELEASE_EVENTS, (node.id,)).rowcount
    return ended


def _nodes(connection: sqlite3.Connection, since: int) -> list[Node]:
    """Return the nodes seen since then."""
    rows = connection.execute("SELECT report FROM nodes WHERE seen_at >= ?", (since,))
    return nodes_of(report for (report,) in rows)


def _docket(connection: sqlite3.Connection, before: int, limit: int) -> Docket:
    """Return what waits for the judge and can no longer be overtaken."""
    oldest = connection.execute(_OLDEST_UNROUTED).fetchone()[0]
    until = before if oldest is None else min(before, oldest)
    entries = []
    for seq, rules in connection.execute(_DOCKET, (until, limit)).fetchall():
        row = connection.execute(f"SELECT {EVENT_COLUMNS} WHERE e.seq = ?", (seq,)).fetchone()
        entries.append(Entry(event=event_of(row), rules=_names.decode(rules)))
    return docket_of(entries, until, limit)


def _judge(transaction: Transaction, owner: str, judged: Sequence[Routed]) -> bool:
    """Record what the judge found, if it is the judge."""
    connection = transaction.connection
    is_judge = connection.execute(
        "SELECT 1 FROM duties WHERE name = ? AND owner = ?", (JUDGE, owner)
    ).fetchone()
    if is_judge is None:
        return False
    write_judged(transaction, owner, judged)
    for outcome in judged:
        connection.execute(
            "DELETE FROM docket WHERE seq = (SELECT seq FROM events WHERE id = ?)",
            (outcome.event_id,),
        )
    return True


def _swap(transaction: Transaction, name: str, before: bytes | None, after: bytes | None) -> bool:
    """Replace a kept value if it is what the caller thinks."""
    row = transaction.connection.execute(
        "SELECT value FROM kept WHERE name = ?", (name,)
    ).fetchone()
    if (None if row is None else bytes(row[0])) != before:
        return False
    keep(transaction, name, after)
    return True
