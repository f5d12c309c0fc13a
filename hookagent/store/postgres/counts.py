"""Count what is stored, by what is counted when it is written."""

from hookagent.store.base import Minute, SourceStats, StoreStats
from hookagent.store.postgres.arrays import readable
from hookagent.store.postgres.intake import MINUTE_MS
from hookagent.store.postgres.session import Session, Statement
from hookagent.store.rows import DONE, RUN_STATES

_SOURCES = """
    SELECT s.name, c.events, c.duplicates, c.rejected, coalesce((
        SELECT max(t.last_at) FROM hook.tally AS t WHERE t.source_id = s.id AND t.minute = (
            SELECT max(m.minute) FROM hook.tally AS m WHERE m.source_id = s.id
        )
    ), 0)
    FROM hook.sources AS s CROSS JOIN LATERAL (
        SELECT coalesce(sum(t.events), 0)::int8 AS events,
            coalesce(sum(t.duplicates), 0)::int8 AS duplicates,
            coalesce(sum(t.rejected), 0)::int8 AS rejected
        FROM hook.tally AS t WHERE t.source_id = s.id AND t.minute >= $1
    ) AS c ORDER BY s.name COLLATE "C"
"""
_MINUTES = """
    SELECT s.name, t.minute, sum(t.events)::int8, sum(t.duplicates)::int8, sum(t.rejected)::int8
    FROM hook.sources AS s JOIN hook.tally AS t ON t.source_id = s.id AND t.minute >= $1
    GROUP BY s.name, t.minute ORDER BY t.minute, s.name COLLATE "C"
"""
_TOTALS = "SELECT name, sum(value)::int8 FROM hook.totals GROUP BY name"
_UNFINISHED = f"SELECT state, count(*) FROM hook.runs WHERE state <> {DONE} GROUP BY state"  # noqa: S608 - a constant of ours
_UNROUTED = """
    SELECT count(*), (
        SELECT received_at FROM hook.unrouted ORDER BY seq LIMIT 1
    ) FROM hook.unrouted
"""
_SIZE = """
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::int8 FROM pg_class AS c
    WHERE c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'hook.events'::regclass)
        AND c.relkind = 'r'
"""


async def activity(session: Session, since: int) -> list[Minute]:
    """Return the minutes since then in which something happened, oldest first."""
    return [
        Minute(
            source=readable(source),
            at=minute * MINUTE_MS,
            events=events,
            duplicates=duplicates,
            rejected=rejected,
        )
        for source, minute, events, duplicates, rejected in await session.fetch(
            _MINUTES, since // MINUTE_MS
        )
    ]


async def stats(session: Session, since: int) -> StoreStats:
    """Count everything; sources since then, to the full minute before."""
    totals, unfinished, unrouted, size, sources = await session.run(
        [
            Statement(_TOTALS),
            Statement(_UNFINISHED),
            Statement(_UNROUTED),
            Statement(_SIZE),
            Statement(_SOURCES, (since // MINUTE_MS,)),
        ]
    )
    total: dict[str, int] = dict(totals)
    runs: dict[int, int] = dict(unfinished)
    runs[DONE] = total.get("runs", 0) - sum(runs.values())
    return StoreStats(
        events=total.get("events", 0),
        runs={str(RUN_STATES[state]): count for state, count in sorted(runs.items()) if count > 0},
        unrouted=unrouted[0][0],
        oldest_unrouted_at=unrouted[0][1] or 0,
        size_bytes=size[0][0],
        used_bytes=size[0][0],
        sources=[
            SourceStats(
                source=readable(name),
                events=events,
                duplicates=duplicates,
                rejected=rejected,
                last_received_at=last,
            )
            for name, events, duplicates, rejected, last in sources
        ],
    )
