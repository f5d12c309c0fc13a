"""Keep statistics: stretches of time, merged into wider ones as they grow old."""

from collections.abc import Sequence

from hookagent.store.base import Merge, Stretch
from hookagent.store.postgres.arrays import bigs, blobs, texts
from hookagent.store.postgres.session import Session

_ADD = """
    INSERT INTO hook.stretches (at, span, node, data)
    SELECT * FROM unnest($1::int8[], $2::int8[], $3::text[], $4::bytea[])
"""
_OVERLAPPING = """
    SELECT at, span, node, data FROM hook.stretches WHERE at < $1 AND at + span > $2
    ORDER BY at, span, id
"""
_LOCK = "SELECT pg_advisory_xact_lock('hook.stretches'::regclass::oid::int, 1)"
_OLDEST = "SELECT at FROM hook.stretches WHERE span = $1 AND at < $2 ORDER BY at LIMIT 1"
_TAKE = """
    DELETE FROM hook.stretches WHERE span = $1 AND at >= $2 AND at < $3 RETURNING id, node, data
"""


async def add(session: Session, stretches: Sequence[Stretch]) -> None:
    """Keep stretches beside those that are there."""
    await session.fetch(
        _ADD,
        bigs([one.at for one in stretches]),
        bigs([one.span for one in stretches]),
        texts([one.node for one in stretches]),
        blobs([one.data for one in stretches]),
    )


async def overlapping(session: Session, since: int, until: int) -> list[Stretch]:
    """Return the stretches of which any moment lies within, oldest first."""
    return [
        Stretch(at=at, span=span, node=node, data=data)
        for at, span, node, data in await session.fetch(_OVERLAPPING, until, since)
    ]


async def widen(session: Session, *, span: int, into: int, before: int, merge: Merge) -> int:
    """Merge the oldest wider stretch that is complete by `before`; return how many rows went."""
    await session.fetch(_LOCK)
    oldest = await session.fetch(_OLDEST, span, before // into * into)
    if not oldest:
        return 0
    begin = oldest[0][0] // into * into
    rows = sorted(await session.fetch(_TAKE, span, begin, begin + into))
    nodes = {node for _, node, _ in rows}
    merged = Stretch(
        at=begin,
        span=into,
        node=nodes.pop() if len(nodes) == 1 else "",
        data=merge([data for _, _, data in rows]),
    )
    await add(session, [merged])
    return len(rows)


async def drop(session: Session, before: int) -> int:
    """Remove the stretches that ended by then; return how many."""
    rows = await session.fetch(
        "WITH d AS (DELETE FROM hook.stretches WHERE at + span <= $1 RETURNING 1)"
        " SELECT count(*) FROM d",
        before,
    )
    return int(rows[0][0])
