"""Lists of events and runs by filter, a page at a time.

A filter becomes a few ranges of indexes, each in order of arrival, merged until the page is full:
so the first page costs some seeks whatever the filter. A partition that holds nothing of what is
asked for is not looked into, and those behind the end of the page are not either.
"""

from typing import Any

import msgspec

from hookagent.job import RunState
from hookagent.store.base import EventFilter, Run, RunFilter
from hookagent.store.postgres.arrays import bigs, ints, readable, storable
from hookagent.store.postgres.globs import glob
from hookagent.store.postgres.rows import RUNS, read_run
from hookagent.store.postgres.search import with_text
from hookagent.store.postgres.session import Session
from hookagent.store.rows import NUMBER_OF

NO_END = (1 << 62) - 1
_KINDS = """
    SELECT k.id, k.type FROM hook.kinds AS k JOIN hook.sources AS s ON s.id = k.source_id
    WHERE ($1 = '' OR s.name = $1) AND ($2 = '' OR k.origin = $2)
        AND ($3 = '' OR $3 IN (k.code, k.integrity))
"""
_CELLS = """
    SELECT c.id, c.kind_id FROM hook.cells AS c JOIN hook.rules AS r ON r.id = c.rule_id
    WHERE c.kind_id > 0 AND ($1 = '' OR r.name = $1)
"""
_SPAN = """
    SELECT coalesce(min(t.first_seq), 0), coalesce(max(t.last_seq), -1)
    FROM hook.sources AS s JOIN hook.tally AS t ON t.source_id = s.id
        AND t.minute BETWEEN $1::int8 / 60000 AND $2::int8 / 60000
"""
_WITHIN = {"{within e}": "e.seq", "{within x}": "x.seq", "{within r}": "x.event_seq"}
"""Where a query says what the span of time demands, and of which column."""


class Range(msgspec.Struct, frozen=True):
    """Sequence numbers to look at, and in which direction."""

    low: int
    high: int
    forward: bool

    @property
    def order(self) -> str:
        """For `ORDER BY`."""
        return "ASC" if self.forward else "DESC"

    def within(self, first: int, last: int) -> "Range":
        """Return what lies within these two as well."""
        return Range(max(self.low, first), min(self.high, last), self.forward)

    def beyond(self, seq: int) -> "Range | None":
        """Return what comes after this one, in the range's direction."""
        if self.forward:
            return Range(seq + 1, self.high, self.forward) if seq < self.high else None
        return Range(self.low, seq - 1, self.forward) if seq > self.low else None


class Source(msgspec.Struct, frozen=True):
    """Where the numbers of a filter come from: SQL with the range as $1 and $2, the limit as $3.

    `{within …}` stands for what the span of time demands, `{order}` for the direction.
    """

    query: str
    values: tuple[Any, ...] = ()


async def event_seqs(session: Session, wanted: EventFilter) -> list[int]:
    """Return the sequence numbers of one page: newest first, or oldest first with `after`."""
    among = await _range(session, wanted)
    source = await _source(session, wanted)
    if source is None or among.low > among.high:
        return []
    if wanted.text:

        async def page(part: Range, limit: int, only: list[int] | None) -> list[int]:
            return await _numbers(session, source, _Demand(wanted, part, limit, only))

        return await with_text(session, wanted, among, page)
    return await _numbers(session, source, _Demand(wanted, among, wanted.limit, None))


class _Demand(msgspec.Struct, frozen=True):
    """What of a filter's numbers is asked for: a range, so many, among some or among all."""

    wanted: EventFilter
    among: Range
    limit: int
    only: list[int] | None


async def _numbers(session: Session, source: Source, demand: _Demand) -> list[int]:
    among = demand.among
    query = source.query.replace("{order}", among.order)
    values = [among.low, among.high, demand.limit, *source.values]
    bounds = []
    for bound, value in (
        ("received_at >= ", demand.wanted.since),
        ("received_at <= ", demand.wanted.until),
    ):
        if value:
            values.append(value)
            bounds.append(f"{bound}${len(values)}")
    only = ""
    if demand.only is not None:
        values.append(bigs(demand.only))
        only = f" = ANY(${len(values)}::int8[])"
    for place, column in _WITHIN.items():
        query = query.replace(place, _within(column, bounds, only))
    return [seq for (seq,) in await session.fetch(query, *values)]


def _within(column: str, bounds: list[str], only: str) -> str:
    """Return what makes the span of time exact, and a number one of some."""
    conditions = [f"{column}{only}"] if only else []
    if bounds and column == "e.seq":
        conditions += bounds
    elif bounds:
        conditions.append(
            f"EXISTS (SELECT 1 FROM hook.events AS t WHERE t.seq = {column}"  # noqa: S608 - constants of ours
            f" AND {' AND '.join(bounds)})"
        )
    return " AND ".join(conditions) or "TRUE"


async def _range(session: Session, wanted: EventFilter) -> Range:
    low = wanted.after + 1
    high = wanted.before - 1 if wanted.before else NO_END
    if wanted.after:  # beyond this a lower number may still be committed
        high = min(high, (await session.fetch("SELECT hook.horizon()"))[0][0] - 1)
    if wanted.since or wanted.until:
        ((first, last),) = await session.fetch(_SPAN, wanted.since, wanted.until or NO_END)
        low, high = max(low, first), min(high, last)
    return Range(low, high, forward=wanted.after > 0)


async def _source(session: Session, wanted: EventFilter) -> Source | None:
    """Return where the numbers come from, or None where there can be none."""
    kinds = await _kinds(session, wanted)
    if kinds is not None and not kinds:
        return None
    if wanted.parent:
        return _of_events("e.parent = $4", (storable(wanted.parent),), kinds)
    if wanted.status == "stored":
        return _stored(kinds)
    if wanted.status == "quiet":
        return None if wanted.rule else await _quiet(session, kinds)
    if wanted.rule or wanted.status not in {"", "routed"}:
        return await _of_runs(session, wanted, kinds)
    routed = "TRUE"
    if wanted.status == "routed":
        # As a value, so that it is asked event by event, and not of all events beforehand.
        routed = "(SELECT u.seq FROM hook.unrouted AS u WHERE u.seq = e.seq) IS NULL"
    return _by_kind(kinds, routed)


def _of_events(where: str, values: tuple[Any, ...], kinds: list[int] | None) -> Source:
    among = "TRUE" if kinds is None else "e.kind_id = ANY($5::int[])"
    return Source(
        f"SELECT e.seq FROM hook.events AS e WHERE {where} AND {among}"  # noqa: S608 - constants of ours
        " AND e.seq BETWEEN $1 AND $2 AND {within e} ORDER BY e.seq {order} LIMIT $3",
        values if kinds is None else (*values, ints(kinds)),
    )


def _by_kind(kinds: list[int] | None, routed: str) -> Source:
    where = f"{routed} AND e.seq BETWEEN $1 AND $2 AND {{within e}} ORDER BY e.seq {{order}}"
    if kinds is None:
        return Source(f"SELECT e.seq FROM hook.events AS e WHERE {where} LIMIT $3")  # noqa: S608 - constants of ours
    return Source(
        "SELECT x.seq FROM unnest($4::int[]) AS k(id) CROSS JOIN LATERAL"  # noqa: S608 - constants of ours
        f" (SELECT e.seq FROM hook.events AS e WHERE e.kind_id = k.id AND {where} LIMIT $3) AS x"
        " ORDER BY x.seq {order} LIMIT $3",
        (ints(kinds),),
    )


def _stored(kinds: list[int] | None) -> Source:
    of_kind = "TRUE"
    if kinds is not None:
        of_kind = (
            "EXISTS (SELECT 1 FROM hook.events AS e WHERE e.seq = x.seq"
            " AND e.kind_id = ANY($4::int[]))"
        )
    return Source(
        f"SELECT x.seq FROM hook.unrouted AS x WHERE {of_kind} AND x.seq BETWEEN $1 AND $2"  # noqa: S608 - constants of ours
        " AND {within x} ORDER BY x.seq {order} LIMIT $3",
        () if kinds is None else (ints(kinds),),
    )


async def _quiet(session: Session, kinds: list[int] | None) -> Source:
    if kinds is None:
        kinds = [kind for (kind,) in await session.fetch("SELECT id FROM hook.kinds")]
    return Source(
        "SELECT x.seq FROM unnest($4::int[]) AS k(id) CROSS JOIN LATERAL"
        " (SELECT x.seq FROM hook.quiet AS x WHERE x.kind_id = k.id AND x.seq BETWEEN $1 AND $2"
        " AND {within x} ORDER BY x.seq {order} LIMIT $3) AS x ORDER BY x.seq {order} LIMIT $3",
        (ints(kinds),),
    )


async def _of_runs(session: Session, wanted: EventFilter, kinds: list[int] | None) -> Source | None:
    """One range for each rule, kind and state that can meet."""
    states = list(NUMBER_OF.values())
    if wanted.status not in {"", "routed"}:
        states = [NUMBER_OF[RunState(wanted.status)]] if wanted.status in set(RunState) else []
    rows = await session.fetch(_CELLS, storable(wanted.rule))
    cells = [cell for cell, kind in rows if kinds is None or kind in set(kinds)]
    if not cells or not states:
        return None
    return Source(
        "SELECT DISTINCT x.seq FROM unnest($4::int[]) AS c(id)"
        " CROSS JOIN unnest($5::int[]) AS s(state) CROSS JOIN LATERAL"
        " (SELECT x.event_seq AS seq FROM hook.runs AS x WHERE x.cell_id = c.id"
        " AND x.state = s.state AND x.event_seq BETWEEN $1 AND $2"
        " AND {within r} ORDER BY x.event_seq {order} LIMIT $3) AS x"
        " ORDER BY x.seq {order} LIMIT $3",
        (ints(cells), ints(states)),
    )


async def _kinds(session: Session, wanted: EventFilter) -> list[int] | None:
    """Return the kinds a filter allows, or None for all."""
    if not (wanted.source or wanted.type or wanted.origin or wanted.verdict):
        return None
    rows = await session.fetch(
        _KINDS, storable(wanted.source), storable(wanted.origin), storable(wanted.verdict)
    )
    if not wanted.type:
        return [kind for kind, _ in rows]
    fits = glob(wanted.type).fullmatch
    return [kind for kind, type_ in rows if fits(readable(type_))]


async def runs(session: Session, wanted: RunFilter) -> list[Run]:
    """List runs, newest first."""
    conditions = ["TRUE"]
    values: list[Any] = []

    def where(condition: str, value: Any) -> None:
        values.append(value)
        conditions.append(condition.replace("?", f"${len(values)}"))

    if wanted.states:
        numbers = ", ".join(str(NUMBER_OF[state]) for state in wanted.states)
        conditions.append(f"r.state IN ({numbers})")  # written out: lets a partial index be used
    if wanted.rule:
        where(
            "r.cell_id IN (SELECT c.id FROM hook.cells AS c JOIN hook.rules AS q"
            " ON q.id = c.rule_id WHERE q.name = ?)",
            storable(wanted.rule),
        )
    if wanted.event_id:
        where("r.event_seq = (SELECT seq FROM hook.keys WHERE id = ?)", storable(wanted.event_id))
    if wanted.since:
        where("r.created_at >= ?", wanted.since)
    if wanted.before:
        where("r.id < ?", storable(wanted.before))
    values.append(wanted.limit)
    rows = await session.fetch(
        f"SELECT {RUNS} WHERE {' AND '.join(conditions)} ORDER BY r.id DESC LIMIT ${len(values)}",
        *values,
    )
    return [read_run(row) for row in rows]
