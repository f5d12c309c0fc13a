"""Record what matching or the judge found: one statement for a whole batch of events."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from hookagent.job import RunState
from hookagent.store.base import Routed, Run
from hookagent.store.postgres.arrays import bigs, blobs, ints, storable, texts, uuids
from hookagent.store.postgres.intake import Intake, Place
from hookagent.store.postgres.names import Names
from hookagent.store.postgres.ordering import in_order, order_print
from hookagent.store.postgres.rows import PROGRESS_COLUMNS, PROGRESS_TYPES, progress
from hookagent.store.postgres.session import Row, Session, Statement
from hookagent.store.sharing import JUDGE

_PLACES = """
    SELECT k.id, k.seq, e.kind_id FROM hook.keys AS k JOIN hook.events AS e ON e.seq = k.seq
    WHERE k.id = ANY($1::text[])
"""
_VERSIONS = """
    INSERT INTO hook.rule_versions SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[])
    ON CONFLICT DO NOTHING
"""
_NOT_QUIET = """
    DELETE FROM hook.quiet AS q USING unnest($1::int[], $2::int8[]) AS i(kind_id, seq)
    WHERE q.kind_id = i.kind_id AND q.seq = i.seq
        AND EXISTS (SELECT 1 FROM hook.runs AS r WHERE r.event_seq = i.seq)
"""

_ROUTED = """
    gone AS (
        DELETE FROM hook.unrouted AS u USING i WHERE u.seq = i.seq AND u.owner IN ($1, '')
        RETURNING u.seq, u.received_at
    ), ours AS (
        SELECT i.* FROM i JOIN gone ON gone.seq = i.seq
        UNION ALL SELECT i.* FROM i WHERE i.id = ''
    ), quiet AS (
        INSERT INTO hook.quiet (kind_id, seq)
        SELECT kind_id, seq FROM ours WHERE id <> '' AND NOT EXISTS (
            SELECT 1 FROM r WHERE r.n = ours.n
        ) ON CONFLICT DO NOTHING
    ), d AS (
        INSERT INTO hook.docket (seq, received_at, id, rules)
        SELECT o.seq, gone.received_at, o.id, o.rules FROM ours AS o
        JOIN gone ON gone.seq = o.seq WHERE o.rules IS NOT NULL ON CONFLICT DO NOTHING
    ),
"""
_JUDGED = f"""
    judge AS MATERIALIZED (
        SELECT 1 FROM hook.duties WHERE name = '{JUDGE}' AND owner = $1 FOR SHARE
    ), ours AS (
        SELECT i.* FROM i WHERE EXISTS (SELECT 1 FROM judge)
    ), d AS (
        DELETE FROM hook.docket AS d USING ours WHERE d.seq = ours.seq
    ),
"""  # noqa: S608 - a constant of ours
_PROGRESS = ", ".join(f"${place}::{kind}" for place, kind in enumerate(PROGRESS_TYPES, 20))


def _statement(gate: str, answer: str) -> str:
    return f"""
    WITH i AS (
        SELECT * FROM unnest($2::int[], $3::text[], $4::int8[], $5::int[], $6::bytea[])
        AS i(n, id, seq, kind_id, rules)
    ), r AS (
        SELECT * FROM unnest($7::int[], $8::text[], $9::text[], $10::int8[], $11::int[],
            $12::int[], $13::int8[], $14::text[], $15::uuid[], {_PROGRESS})
        WITH ORDINALITY
        AS r(n, id, event_id, event_seq, rule_id, cell_id, created_at, order_key, order_print,
            {PROGRESS_COLUMNS}, place)
    ),
    {gate}
    w AS (
        INSERT INTO hook.runs (id, event_id, event_seq, rule_id, cell_id, created_at, order_key,
            order_print, {PROGRESS_COLUMNS})
        SELECT r.id, event_id, event_seq, rule_id, cell_id, created_at, order_key, order_print,
            {PROGRESS_COLUMNS}
        FROM r JOIN ours ON ours.n = r.n ORDER BY r.place ON CONFLICT DO NOTHING RETURNING 1
    ), t AS (
        INSERT INTO hook.totals (name, writer, value)
        SELECT 'runs', pg_backend_pid(), count(*) FROM w HAVING count(*) > 0
        ON CONFLICT (name, writer) DO UPDATE SET value = totals.value + excluded.value
    ), s AS (
        SELECT DISTINCT ON (digest) s.* FROM unnest($16::int[], $17::text[], $18::text[],
            $19::uuid[], $31::bytea[], $32::int8[]) WITH ORDINALITY
        AS s(n, rule, key, digest, value, due_at, place)
        JOIN ours ON ours.n = s.n ORDER BY digest, place DESC
    ), f AS (
        DELETE FROM hook.states AS x USING s WHERE x.digest = s.digest AND s.value IS NULL
    ), x AS (
        INSERT INTO hook.states (rule, key, digest, value, due_at)
        SELECT rule, key, digest, value, due_at FROM s WHERE value IS NOT NULL ORDER BY digest
        ON CONFLICT (digest) DO UPDATE SET value = excluded.value, due_at = excluded.due_at
    )
    {answer}
    """  # noqa: S608 - constants of ours


_ROUTE = _statement(_ROUTED, "SELECT n FROM ours")
_JUDGE = _statement(_JUDGED, "SELECT 1 FROM judge")


class Route:
    """Record what matching found; False for an event another worker holds or that was routed."""

    query = _ROUTE

    def __init__(
        self,
        owner: str,
        routed: Sequence[Routed],
        names: Names,
        intake: Intake,
        versions: set[str],
    ) -> None:
        self._owner = owner
        self._routed = routed
        self._names = names
        self._intake = intake
        self._versions = versions
        self._write_at = 0
        self._runs = [(n, run) for n, outcome in enumerate(routed) for run in outcome.runs]

    async def statements(self, session: Session) -> list[Statement]:
        """One for all of it, and what goes with it."""
        places = await self._places(session)
        names = self._names
        await names.learn_rules(session, {run.rule for _, run in self._runs})
        cells = {run.id: self._cell(run, places) for _, run in self._runs}
        await names.learn_cells(session, cells.values())
        write = Statement(self.query, self._values(places, cells))
        statements = [*self._new_versions(), write]
        others = self._others(places)
        if others:
            values = (ints([one.kind_id for one in others]), bigs([one.seq for one in others]))
            statements.append(Statement(_NOT_QUIET, values))
        ordered = in_order(statements, [run for _, run in self._runs], names.rules)
        self._write_at = next(at for at, one in enumerate(ordered) if one is write)
        return ordered

    def answer(self, rows: Sequence[Sequence[Row]]) -> list[bool]:
        """Which outcomes were written."""
        ours = {n for (n,) in rows[self._write_at]}
        self._settled(ours)
        return [n in ours for n in range(len(self._routed))]

    def _settled(self, ours: set[int]) -> None:
        """Forget the places of what is routed, and remember versions that are kept."""
        for n, outcome in enumerate(self._routed):
            if n in ours:
                self._intake.recent.pop(outcome.event_id, None)
                self._versions.update(version.hash for version in outcome.versions)

    async def _places(self, session: Session) -> dict[str, Place]:
        wanted = {outcome.event_id for outcome in self._routed}
        wanted.update(run.event_id for _, run in self._runs)
        wanted.discard("")
        recent = self._intake.recent
        places = {event_id: recent[event_id] for event_id in wanted if event_id in recent}
        missing = [event_id for event_id in wanted if event_id not in places]
        if missing:
            for event_id, seq, kind_id in await session.fetch(_PLACES, texts(missing)):
                places[event_id] = Place(seq, kind_id)
        return places

    def _cell(self, run: Run, places: dict[str, Place]) -> tuple[int, int]:
        place = places.get(run.event_id)
        return (self._names.rules[run.rule], place.kind_id if place else 0)

    def _others(self, places: dict[str, Place]) -> list[Place]:
        """Return the places of events that get a run though this is not their routing."""
        return [
            places[run.event_id]
            for n, run in self._runs
            if run.event_id in places and run.event_id != self._routed[n].event_id
        ]

    def _new_versions(self) -> list[Statement]:
        new = {
            version.hash: version
            for outcome in self._routed
            for version in outcome.versions
            if version.hash not in self._versions
        }
        if not new:
            return []
        values = (
            texts(list(new)),
            texts([version.rule for version in new.values()]),
            blobs([msgspec.json.encode(version.steps) for version in new.values()]),
        )
        return [Statement(_VERSIONS, values)]

    def _values(
        self, places: dict[str, Place], cells: dict[str, tuple[int, int]]
    ) -> tuple[Any, ...]:
        names = self._names
        states = [(n, state) for n, one in enumerate(self._routed) for state in one.states]
        entries = self._entries(places)
        runs = [(n, self._leased(run)) for n, run in self._runs]
        at = [places.get(run.event_id) for _, run in runs]
        return (
            self._owner,
            ints([n for n, _, _ in entries]),
            texts([event_id for _, event_id, _ in entries]),
            bigs([place.seq if place else None for _, _, place in entries]),
            ints([place.kind_id if place else None for _, _, place in entries]),
            blobs([self._left(n) for n, _, _ in entries]),
            ints([n for n, _ in runs]),
            texts([run.id for _, run in runs]),
            texts(
                [run.event_id if place else "" for (_, run), place in zip(runs, at, strict=True)]
            ),
            bigs([place.seq if place else None for place in at]),
            ints([names.rules[run.rule] for _, run in runs]),
            ints([names.cells[cells[run.id]] for _, run in runs]),
            bigs([run.created_at for _, run in runs]),
            texts([run.order_key or None for _, run in runs]),
            uuids([order_print(run.order_key) for _, run in runs]),
            ints([n for n, _ in states]),
            texts([state.rule for _, state in states]),
            texts([state.key for _, state in states]),
            uuids([state_digest(state.rule, state.key) for _, state in states]),
            *progress([run for _, run in runs]),
            blobs([state.value for _, state in states]),
            bigs([state.due_at for _, state in states]),
        )

    def _entries(self, places: dict[str, Place]) -> list[tuple[int, str, Place | None]]:
        """Return the outcomes that may be ours: of one event the first."""
        entries = []
        seen = set()
        for n, outcome in enumerate(self._routed):
            event_id = outcome.event_id
            if event_id and (event_id in seen or event_id not in places):
                continue
            seen.add(event_id)
            entries.append((n, event_id, places.get(event_id)))
        return entries

    def _left(self, n: int) -> bytes | None:
        left = self._routed[n].left_to_judge
        return msgspec.json.encode(left) if left else None

    def _leased(self, run: Run) -> Run:
        if run.state is RunState.RUNNING and not run.owner:
            return msgspec.structs.replace(run, owner=self._owner)
        return run


class Judge(Route):
    """Record what the judge found; False for all where another is the judge."""

    query = _JUDGE

    def answer(self, rows: Sequence[Sequence[Row]]) -> list[bool]:
        """Return whether this is the judge, for all at once."""
        is_judge = bool(rows[self._write_at])
        if is_judge:
            self._settled(set(range(len(self._routed))))
        return [is_judge]

    def _others(self, places: dict[str, Place]) -> list[Place]:
        """Return the places of all events that get a run: they were routed before."""
        return [places[run.event_id] for _, run in self._runs if run.event_id in places]

    def _entries(self, places: dict[str, Place]) -> list[tuple[int, str, Place | None]]:
        """Return all outcomes."""
        return [
            (n, outcome.event_id, places.get(outcome.event_id))
            for n, outcome in enumerate(self._routed)
        ]


def state_digest(rule: str, key: str) -> bytes:
    """Return 16 bytes that stand for a rule's key."""
    return blake2b(msgspec.json.encode([storable(rule), storable(key)]), digest_size=16).digest()
