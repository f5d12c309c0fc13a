"""What a copy changes in a database. Each function is one piece of a transaction."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from hookagent.event import Event
from hookagent.store.base import Run
from hookagent.store.moving import MARK, OWN_NAMES, Part, Row, Step, overtaken
from hookagent.store.postgres.arrays import bigs, blobs, ints, texts, uuids
from hookagent.store.postgres.intake import fingerprint
from hookagent.store.postgres.names import Names
from hookagent.store.postgres.ordering import around, order_print
from hookagent.store.postgres.routing import state_digest
from hookagent.store.postgres.rows import PROGRESS_COLUMNS, PROGRESS_TYPES, progress
from hookagent.store.postgres.session import Session
from hookagent.store.postgres.slices import SLICE_BITS, SLICE_MS, make_slice
from hookagent.store.rows import kind_of

_EVENTS = """
    WITH i AS (
        SELECT * FROM unnest($1::int8[], $2::text[], $3::uuid[], $4::int[], $5::int[], $6::int8[],
            $7::int8[], $8::bytea[], $9::bytea[], $10::text[], $11::text[], $12::text[],
            $13::text[], $14::bytea[], $15::bytea[])
        AS i(seq, id, print, source_id, kind_id, received_at, signed_at, key, content_key, target,
            client_ip, parent, detail, headers, body)
    ), k AS (
        INSERT INTO hook.keys (print, id, seq) SELECT print, id, seq FROM i ORDER BY print
    )
    INSERT INTO hook.events (seq, id, source_id, kind_id, received_at, signed_at, key,
        content_key, target, client_ip, parent, detail, headers, body)
    SELECT seq, id, source_id, kind_id, received_at, signed_at, key, content_key, target,
        client_ip, parent, detail, headers, body
    FROM i ORDER BY seq
"""
_NEWEST = """
    SELECT e.seq, s.began_at FROM (SELECT seq FROM hook.events ORDER BY seq DESC LIMIT 1) AS e
    JOIN hook.slices AS s ON s.number = (e.seq >> $1::int)
"""
_FIRST_PLACE = 1 << 10
"""The first number that is given out, in the first slice."""
_PLACES = """
    SELECT k.id, k.seq, e.kind_id FROM hook.keys AS k JOIN hook.events AS e ON e.seq = k.seq
    WHERE k.id = ANY($1::text[])
"""
_PROGRESS = ", ".join(f"${place}::{kind}" for place, kind in enumerate(PROGRESS_TYPES, 9))
_RUNS = f"""
    INSERT INTO hook.runs (id, event_id, event_seq, rule_id, cell_id, created_at, order_key,
        order_print, {PROGRESS_COLUMNS})
    SELECT id, event_id, event_seq, rule_id, cell_id, created_at, order_key, order_print,
        {PROGRESS_COLUMNS}
    FROM unnest($1::text[], $2::text[], $3::int8[], $4::int[], $5::int[], $6::int8[], $7::text[],
        $8::uuid[], {_PROGRESS})
        WITH ORDINALITY AS r(id, event_id, event_seq, rule_id, cell_id, created_at, order_key,
            order_print, {PROGRESS_COLUMNS}, place)
    ORDER BY place
"""  # noqa: S608 - constants of ours
_GIVEN = ", ".join(f"${place}::{kind}" for place, kind in enumerate(PROGRESS_TYPES, 2))
_NEW = ", ".join(f"i.{column}" for column in PROGRESS_COLUMNS.split(", "))
_AMEND = f"""
    UPDATE hook.runs AS r SET ({PROGRESS_COLUMNS}) = ({_NEW})
    FROM unnest($1::text[], {_GIVEN}) AS i(id, {PROGRESS_COLUMNS}) WHERE r.id = i.id
"""  # noqa: S608 - as above
_DROP_EVENTS = """
    WITH k AS (DELETE FROM hook.keys WHERE id = ANY($1::text[]) RETURNING seq)
    DELETE FROM hook.events AS e USING k WHERE e.seq = k.seq
"""
_SWAP = "UPDATE hook.kept SET value = $3 WHERE name = $1 AND value = $2 RETURNING 1"
KEEP = (
    "INSERT INTO hook.kept VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)

_CLEAR = {
    Part.RULE_VERSIONS: "DELETE FROM hook.rule_versions",
    Part.UNROUTED: "DELETE FROM hook.unrouted",
    Part.DUPLICATES: "UPDATE hook.keys SET duplicates = 0 WHERE duplicates > 0",
    Part.DOCKET: "DELETE FROM hook.docket",
    Part.STATES: "DELETE FROM hook.states",
    Part.REJECTED: "DELETE FROM hook.rejected",
    Part.KEPT: "DELETE FROM hook.kept WHERE name <> ALL($1::text[])",
    Part.STRETCHES: "DELETE FROM hook.stretches",
    Part.TALLY: "DELETE FROM hook.tally",
}

_DERIVE = (
    "DELETE FROM hook.quiet",
    """
    INSERT INTO hook.quiet (kind_id, seq) SELECT kind_id, seq FROM hook.events AS e
    WHERE NOT EXISTS (SELECT 1 FROM hook.unrouted AS u WHERE u.seq = e.seq)
        AND NOT EXISTS (SELECT 1 FROM hook.runs AS r WHERE r.event_seq = e.seq)
    """,
    """
    INSERT INTO hook.tally (minute, source_id, writer, events, duplicates, rejected, last_at,
        first_seq, last_seq)
    SELECT received_at / 60000, source_id, 0, 0, 0, 0, max(received_at), min(seq), max(seq)
    FROM hook.events GROUP BY 1, 2
    ON CONFLICT (minute, source_id, writer) DO UPDATE SET
        first_seq = excluded.first_seq, last_seq = excluded.last_seq
    """,
    "DELETE FROM hook.totals",
    """
    INSERT INTO hook.totals (name, writer, value)
    SELECT 'events', 0, count(*) FROM hook.events
    UNION ALL SELECT 'runs', 0, count(*) FROM hook.runs
    """,
    """
    UPDATE hook.counters SET value = greatest(value, (
        SELECT coalesce(max(n) + 1, 0) FROM hook.rejected
    )) WHERE name = 'rejected'
    """,
)
"""What follows from the rows: which events have no run, where a minute's events are, how many there
are, and where the ring of refusals goes on."""
_ORDERED = """
    SELECT rule_id, order_print FROM hook.runs
    WHERE order_print IS NOT NULL AND wake_at IS NOT NULL GROUP BY 1, 2
"""
ANALYZE = ("events", "keys", "runs", "unrouted", "tally", "quiet")
"""Tables whose statistics the planner needs at once."""


async def learn(session: Session, names: Names, part: Part, rows: Sequence[Row]) -> None:
    """Make sure of the ids that rows need: ahead of their transaction, which may fail."""
    if part is Part.EVENTS:
        await names.learn_kinds(session, [kind_of(event) for event in rows])
    elif part is Part.RUNS:
        await names.learn_rules(session, {run.rule for run in rows})
    elif part is Part.TALLY:
        await names.learn_sources(session, {row[1] for row in rows})


async def adopt(session: Session, names: Names, part: Part, rows: Sequence[Row]) -> None:
    """Append rows."""
    if part is Part.EVENTS:
        await _adopt_events(session, names, rows)
    elif part is Part.RUNS:
        await _adopt_runs(session, names, rows)
    elif part is Part.TALLY:
        await _adopt_tally(session, names, rows)
    else:
        await _ADOPT[part](session, rows)


async def _adopt_events(session: Session, names: Names, events: Sequence[Event]) -> None:
    requests = [event.request for event in events]
    verdicts = [event.verdict for event in events]
    kinds = [names.kinds[kind_of(event)] for event in events]
    keys = [event.key for event in events]
    contents = [
        b"" if one.content_key == key and key else one.content_key or None
        for one, key in zip(verdicts, keys, strict=True)
    ]
    await session.fetch(
        _EVENTS,
        bigs(await _places(session, [request.received_at for request in requests])),
        texts([event.id for event in events]),
        uuids([fingerprint(kind[0], key) for kind, key in zip(kinds, keys, strict=True)]),
        ints([kind[0] for kind in kinds]),
        ints([kind[1] for kind in kinds]),
        bigs([request.received_at for request in requests]),
        bigs([verdict.signed_at for verdict in verdicts]),
        blobs(keys),
        blobs(contents),
        texts([request.target for request in requests]),
        texts([request.client_ip for request in requests]),
        texts([event.parent or None for event in events]),
        texts([verdict.detail or None for verdict in verdicts]),
        blobs([request.headers.pack() for request in requests]),
        blobs([request.body for request in requests]),
    )


async def _places(session: Session, arrivals: Sequence[int]) -> list[int]:
    """Return numbers for events in their order, in slices of a day as if they came in today."""
    newest = await session.fetch(_NEWEST, SLICE_BITS)
    at, began_at = newest[0] if newest else (_FIRST_PLACE - 1, None)
    places = []
    for received_at in arrivals:
        at += 1
        if began_at is None or abs(received_at - began_at) >= SLICE_MS:
            if began_at is not None:
                at = ((at >> SLICE_BITS) + 1) << SLICE_BITS
            began_at = received_at
            await _begin_slice(session, at >> SLICE_BITS, began_at)
        places.append(at)
    return places


async def _begin_slice(session: Session, number: int, began_at: int) -> None:
    known = await session.fetch("SELECT 1 FROM hook.slices WHERE number = $1", number)
    if not known:
        await make_slice(session, number)
    await session.fetch("UPDATE hook.slices SET began_at = $2 WHERE number = $1", number, began_at)


async def _adopt_runs(session: Session, names: Names, runs: Sequence[Run]) -> None:
    ids = texts({run.event_id for run in runs if run.event_id})
    found = await session.fetch(_PLACES, ids)
    places = {event_id: (seq, kind_id) for event_id, seq, kind_id in found}
    at = [places.get(run.event_id) for run in runs]
    rules = [names.rules[run.rule] for run in runs]
    cells = [(rule, place[1] if place else 0) for rule, place in zip(rules, at, strict=True)]
    await names.learn_cells(session, cells)
    await session.fetch(
        _RUNS,
        texts([run.id for run in runs]),
        texts([run.event_id if place else "" for run, place in zip(runs, at, strict=True)]),
        bigs([place[0] if place else None for place in at]),
        ints(rules),
        ints([names.cells[cell] for cell in cells]),
        bigs([run.created_at for run in runs]),
        texts([run.order_key or None for run in runs]),
        uuids([order_print(run.order_key) for run in runs]),
        *progress(list(runs)),
    )


async def amend(session: Session, runs: Sequence[Run]) -> None:
    """Write runs that are there as they are now."""
    await session.fetch(_AMEND, texts([run.id for run in runs]), *progress(list(runs)))


async def drop(session: Session, part: Part, ids: Sequence[str]) -> None:
    """Remove events or runs."""
    if part is Part.RUNS:
        await session.fetch("DELETE FROM hook.runs WHERE id = ANY($1::text[])", texts(ids))
    else:
        await session.fetch(_DROP_EVENTS, texts(ids))


async def clear(session: Session, part: Part) -> None:
    """Remove all rows of a small part."""
    values = [texts(OWN_NAMES)] if part is Part.KEPT else []
    await session.fetch(_CLEAR[part], *values)


async def derive(session: Session, page: int) -> None:
    """Bring what follows from the rows up to date."""
    for statement in _DERIVE:
        await session.fetch(statement)
    keys = [(rule, print_.bytes) for rule, print_ in await session.fetch(_ORDERED)]
    for at in range(0, len(keys), page):
        for statement, values in around([], keys[at : at + page]):
            await session.fetch(statement, *values)


async def swap_mark(session: Session, mark: Step, label: str) -> None:
    """Change the mark. Raises OutsideError where it is another's."""
    if not await session.fetch(_SWAP, MARK, mark.before, mark.after):
        raise overtaken(label)


async def _adopt_tally(session: Session, names: Names, rows: Sequence[Row]) -> None:
    minutes, sources, events, duplicates, rejected, last = zip(*rows, strict=True)
    await session.fetch(
        "INSERT INTO hook.tally (writer, minute, source_id, events, duplicates, rejected, last_at)"
        " SELECT 0, * FROM unnest($1::int8[], $2::int[], $3::int8[], $4::int8[], $5::int8[],"
        " $6::int8[])",
        bigs(minutes),
        ints([names.sources[source] for source in sources]),
        bigs(events),
        bigs(duplicates),
        bigs(rejected),
        bigs(last),
    )


async def _adopt_states(session: Session, rows: Sequence[Row]) -> None:
    rules, keys, values, due = zip(*rows, strict=True)
    await session.fetch(
        "INSERT INTO hook.states (rule, key, digest, value, due_at)"
        " SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::bytea[], $5::int8[])",
        texts(rules),
        texts(keys),
        uuids([state_digest(rule, key) for rule, key in zip(rules, keys, strict=True)]),
        blobs(values),
        bigs(due),
    )


_ENCODERS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "int": ints,
    "int8": bigs,
    "text": texts,
    "bytea": blobs,
}


def _by(types: str, statement: str) -> Callable[[Session, Sequence[Row]], Awaitable[None]]:
    """Return what inserts rows of columns of these types; the statement reads them from `i`."""
    kinds = types.split()
    given = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(kinds, 1))
    query = statement.replace("GIVEN", f"unnest({given}) WITH ORDINALITY")

    async def insert(session: Session, rows: Sequence[Row]) -> None:
        columns = zip(*rows, strict=True)
        await session.fetch(
            query, *(_ENCODERS[kind](column) for kind, column in zip(kinds, columns, strict=True))
        )

    return insert


_ADOPT = {
    Part.RULE_VERSIONS: _by(
        "text text bytea", "INSERT INTO hook.rule_versions SELECT a, b, c FROM GIVEN AS i(a, b, c)"
    ),
    Part.UNROUTED: _by(
        "text",
        "INSERT INTO hook.unrouted SELECT e.seq, e.received_at, '', 0 FROM GIVEN AS i(id)"
        " JOIN hook.keys AS k ON k.id = i.id JOIN hook.events AS e ON e.seq = k.seq",
    ),
    Part.DUPLICATES: _by(
        "text int8",
        "UPDATE hook.keys AS k SET duplicates = i.count FROM GIVEN AS i(id, count)"
        " WHERE k.id = i.id",
    ),
    Part.DOCKET: _by(
        "text bytea",
        "INSERT INTO hook.docket SELECT e.seq, e.received_at, e.id, i.rules"
        " FROM GIVEN AS i(id, rules)"
        " JOIN hook.keys AS k ON k.id = i.id JOIN hook.events AS e ON e.seq = k.seq",
    ),
    Part.STATES: _adopt_states,
    Part.REJECTED: _by(
        "int int8 text text int text bytea text text text text int8 bytea bytea",
        "INSERT INTO hook.rejected SELECT slot, n, id, source, status, error, verdict, method,"
        " target, base_url, client_ip, received_at, headers, body"
        " FROM GIVEN AS i(slot, n, id, source, status, error, verdict, method, target, base_url,"
        " client_ip, received_at, headers, body)",
    ),
    Part.KEPT: _by("text bytea", "INSERT INTO hook.kept SELECT a, b FROM GIVEN AS i(a, b)"),
    Part.STRETCHES: _by(
        "int8 int8 text bytea",
        "INSERT INTO hook.stretches (at, span, node, data)"
        " SELECT a, b, c, d FROM GIVEN AS i(a, b, c, d, place) ORDER BY place",
    ),
}
