"""Duties, nodes, the judge's docket, small values: what the nodes share."""

from collections.abc import Callable, Sequence

import msgspec

from hookagent.store.base import Routed
from hookagent.store.postgres.arrays import bigs, storable, texts
from hookagent.store.postgres.bell import Bell
from hookagent.store.postgres.intake import Intake
from hookagent.store.postgres.names import Names
from hookagent.store.postgres.pool import Pool
from hookagent.store.postgres.routing import Judge
from hookagent.store.postgres.rows import EVENT_COLUMNS, read_event
from hookagent.store.postgres.session import Session
from hookagent.store.postgres.work import Job
from hookagent.store.postgres.writer import Lane
from hookagent.store.rows import RUNNING
from hookagent.store.sharing import (
    NODE_KEPT_MS,
    Docket,
    Duty,
    Entry,
    News,
    Node,
    docket_of,
    nodes_of,
)

_names = msgspec.json.Decoder(list[str])

_HOLD = """
    INSERT INTO hook.duties VALUES ($1, $2, $4) ON CONFLICT (name) DO UPDATE
    SET owner = excluded.owner, until = excluded.until
    WHERE duties.owner = excluded.owner OR duties.until <= $3 RETURNING 1
"""
_REPORT = """
    WITH d AS (DELETE FROM hook.nodes WHERE seen_at < $2::int8 - $4::int8 AND id <> $1)
    INSERT INTO hook.nodes VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE
    SET seen_at = excluded.seen_at, report = excluded.report
"""
_RELEASE = f"""
    WITH n AS (
        SELECT n.id FROM hook.nodes AS n JOIN unnest($1::text[], $2::int8[]) AS i(id, seen_at)
            ON i.id = n.id AND i.seen_at = n.seen_at
        ORDER BY n.id FOR UPDATE OF n
    ), r AS (
        UPDATE hook.runs SET lease_until = 1, wake_at = 1
        WHERE state = {RUNNING} AND wake_at > 1 AND owner IN (SELECT id FROM n) RETURNING 1
    ), u AS (
        UPDATE hook.unrouted SET lease_until = 0
        WHERE lease_until > 0 AND owner IN (SELECT id FROM n) RETURNING 1
    ) SELECT (SELECT count(*) FROM r), (SELECT count(*) FROM u)
"""  # noqa: S608 - a constant of ours
_DOCKET = f"""
    WITH d AS (
        SELECT seq, received_at, id, rules FROM hook.docket WHERE received_at < $1
        ORDER BY received_at, id LIMIT $2
    ) SELECT d.rules, {EVENT_COLUMNS} JOIN d ON d.seq = e.seq ORDER BY d.received_at, d.id
"""  # noqa: S608 - constants of ours
_KEEP = """
    INSERT INTO hook.kept VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
_FORGET = "DELETE FROM hook.kept WHERE name = $1"


class PostgresSharing:
    """The sharing part of the store."""

    _pool: Pool
    _control: Pool
    _pulse: Pool
    _bell: Bell
    _work: Lane[Job]
    _names: Names
    _intake: Intake
    _versions: set[str]

    @property
    def is_shared(self) -> bool:
        """Any number of processes may accept and work on one database."""
        return True

    async def hold(self, duty: str, owner: str, *, now: int, until: int) -> bool:
        """Take a duty, or keep it longer."""
        return bool(await self._control.execute(_HOLD, duty, owner, now, until))

    async def let_go(self, duty: str, owner: str) -> None:
        """Give a duty back."""
        await self._control.execute(
            "DELETE FROM hook.duties WHERE name = $1 AND owner = $2", duty, owner
        )

    async def duties(self) -> list[Duty]:
        """Return who has which duty."""
        rows = await self._pool.fetch("SELECT name, owner, until FROM hook.duties ORDER BY name")
        return [Duty(name=name, owner=owner, until=until) for name, owner, until in rows]

    async def report(self, node: Node) -> None:
        """Say how a node is."""
        await self._pulse.execute(
            _REPORT, node.id, node.seen_at, msgspec.json.encode(node), NODE_KEPT_MS
        )

    async def forget_node(self, node_id: str) -> None:
        """Drop the report of a node."""
        await self._pulse.execute("DELETE FROM hook.nodes WHERE id = $1", node_id)

    async def release(self, silent: Sequence[Node]) -> int:
        """End the leases of nodes that have not reported since."""
        ids, times = texts([node.id for node in silent]), bigs([node.seen_at for node in silent])
        ((runs, events),) = await self._control.execute(_RELEASE, ids, times)
        for news, ended in ((News.RUNS, runs), (News.EVENTS, events)):
            if ended:
                self._bell.ring(news)
        return int(runs + events)

    async def nodes(self, *, since: int) -> list[Node]:
        """Return the nodes seen since then."""
        rows = await self._pulse.fetch("SELECT report FROM hook.nodes WHERE seen_at >= $1", since)
        return nodes_of(report for (report,) in rows)

    async def docket(self, *, before: int, limit: int) -> Docket:
        """Return what waits for the judge."""

        async def read(session: Session) -> Docket:
            rows = await session.fetch("SELECT min(received_at) FROM hook.unrouted")
            until = before if rows[0][0] is None else min(before, rows[0][0])
            entries = [
                Entry(event=read_event(tuple(row)), rules=_names.decode(rules))
                for rules, *row in await session.fetch(_DOCKET, until, limit)
            ]
            return docket_of(entries, until, limit)

        return await self._pool.read(read)

    async def judge(self, owner: str, judged: Sequence[Routed]) -> bool:
        """Record what the judge found, unless another is the judge."""
        job = Judge(owner, judged, self._names, self._intake, self._versions)
        ((is_judge,),) = (await self._work.put(job),)
        if is_judge and any(outcome.runs for outcome in judged):
            self._bell.ring(News.RUNS)
        return bool(is_judge)

    async def swap(self, name: str, before: bytes | None, after: bytes | None) -> bool:
        """Replace a kept value if it is still what it was."""

        async def swapped(session: Session) -> bool:
            if before is None and after is not None:
                query = "INSERT INTO hook.kept VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1"
                return bool(await session.fetch(query, storable(name), after))
            rows = await session.fetch(
                "SELECT value FROM hook.kept WHERE name = $1 FOR UPDATE", storable(name)
            )
            if (rows[0][0] if rows else None) != before:
                return False
            await keep(session, name, after)
            return True

        return await self._control.write(swapped)

    def listen(self, heard: Callable[[News], None]) -> None:
        """Call back when another node wrote something; see `Sharing.listen`."""
        self._bell.listen(heard)


async def keep(session: Session, name: str, value: bytes | None) -> None:
    """Keep or forget a small value."""
    if value is None:
        await session.fetch(_FORGET, storable(name))
    else:
        await session.fetch(_KEEP, storable(name), value)
