"""Write what arrives: new events, duplicates, refusals, and the counts of each."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
import psycopg

from hookagent.event import Event
from hookagent.store.base import REJECTED_MAX, Accepted, Rejected
from hookagent.store.postgres.arrays import bigs, blobs, ints, texts, uuids
from hookagent.store.postgres.names import Names
from hookagent.store.postgres.session import Session, Statement
from hookagent.store.rows import REJECTED_BODY_MAX, kind_of

RECENT_MAX = 65_536
"""So many new events' places are remembered until they are routed."""
MINUTE_MS = 60_000

_ACCEPT = """
    WITH i AS (
        SELECT * FROM unnest($1::int[], $2::text[], $3::uuid[], $4::int[], $5::int[], $6::int8[],
            $7::int8[], $8::bytea[], $9::bytea[], $10::text[], $11::text[], $12::text[],
            $13::text[], $14::bytea[], $15::bytea[], $16::text[], $17::int8[], $18::int[],
            $19::int[])
        AS i(n, id, print, source_id, kind_id, received_at, signed_at, key, content_key, target,
            client_ip, parent, detail, headers, body, owner, lease_until, further, quiet)
    ), first AS MATERIALIZED (SELECT hook.next_numbers() AS seq),
    k AS (
        INSERT INTO hook.keys (print, id, seq, duplicates)
        SELECT i.print, i.id, first.seq + i.n, i.further FROM i, first ORDER BY i.print
        ON CONFLICT (print) DO UPDATE SET duplicates = keys.duplicates + 1 + excluded.duplicates
        RETURNING print, id, seq
    ), known AS (
        SELECT i.*, k.id AS first_id, k.seq, k.seq = first.seq + i.n AS is_new
        FROM i JOIN k ON k.print = i.print CROSS JOIN first
    ), e AS (
        INSERT INTO hook.events (seq, id, source_id, kind_id, received_at, signed_at, key,
            content_key, target, client_ip, parent, detail, headers, body)
        SELECT seq, id, source_id, kind_id, received_at, signed_at, key, content_key, target,
            client_ip, parent, detail, headers, body
        FROM known WHERE is_new ORDER BY seq
    ), u AS (
        INSERT INTO hook.unrouted (seq, received_at, owner, lease_until)
        SELECT seq, received_at, owner, lease_until FROM known
        WHERE is_new AND quiet = 0 ORDER BY seq
    ), q AS (
        INSERT INTO hook.quiet (kind_id, seq)
        SELECT kind_id, seq FROM known WHERE is_new AND quiet = 1 ORDER BY seq
    ), t AS (
        INSERT INTO hook.tally (minute, source_id, writer, events, duplicates, rejected, last_at,
            first_seq, last_seq)
        SELECT received_at / 60000, source_id, pg_backend_pid(), count(*) FILTER (WHERE is_new),
            sum(further) + count(*) FILTER (WHERE NOT is_new), 0, max(received_at),
            min(seq) FILTER (WHERE is_new), max(seq) FILTER (WHERE is_new)
        FROM known GROUP BY 1, 2
        ON CONFLICT (source_id, minute, writer) DO UPDATE SET
            events = tally.events + excluded.events,
            duplicates = tally.duplicates + excluded.duplicates,
            last_at = greatest(tally.last_at, excluded.last_at),
            first_seq = least(tally.first_seq, excluded.first_seq),
            last_seq = greatest(tally.last_seq, excluded.last_seq)
    ), s AS (
        INSERT INTO hook.totals (name, writer, value)
        SELECT 'events', pg_backend_pid(), count(*) FROM known WHERE is_new
        ON CONFLICT (name, writer) DO UPDATE SET value = totals.value + excluded.value
    )
    SELECT -1, '', seq FROM first UNION ALL SELECT n, first_id, 0 FROM known WHERE NOT is_new
"""

_SAME_ID = "SELECT id FROM hook.keys WHERE id = ANY($1::text[])"
_COUNT_SAME_ID = """
    WITH k AS (UPDATE hook.keys SET duplicates = duplicates + 1 WHERE id = $1)
    INSERT INTO hook.tally (minute, source_id, writer, events, duplicates, rejected, last_at)
    VALUES ($2::int8 / 60000, $3, pg_backend_pid(), 0, 1, 0, $2::int8)
    ON CONFLICT (source_id, minute, writer) DO UPDATE SET
        duplicates = tally.duplicates + 1, last_at = greatest(tally.last_at, excluded.last_at)
"""

_REFUSE = """
    WITH i AS (
        SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::int[], $5::text[],
            $6::bytea[], $7::text[], $8::text[], $9::text[], $10::text[], $11::int8[],
            $12::bytea[], $13::bytea[], $14::int[])
        AS i(n, id, source, status, error, verdict, method, target, base_url, client_ip,
            received_at, headers, body, source_id)
    ), c AS (
        UPDATE hook.counters SET value = value + (SELECT count(*) FROM i)
        WHERE name = 'rejected' RETURNING value - (SELECT count(*) FROM i) AS before
    ), r AS (
        INSERT INTO hook.rejected
        SELECT (before + n) % $15, before + n, id, source, status, error, verdict,
            method, target, base_url, client_ip, received_at, headers, body
        FROM i, c
        ON CONFLICT (slot) DO UPDATE SET (n, id, source, status, error, verdict, method, target,
            base_url, client_ip, received_at, headers, body) = (excluded.n, excluded.id,
            excluded.source, excluded.status, excluded.error, excluded.verdict, excluded.method,
            excluded.target, excluded.base_url, excluded.client_ip, excluded.received_at,
            excluded.headers, excluded.body)
    )
    INSERT INTO hook.tally (minute, source_id, writer, events, duplicates, rejected, last_at)
    SELECT received_at / 60000, source_id, pg_backend_pid(), 0, 0, count(*), max(received_at)
    FROM i GROUP BY 1, 2
    ON CONFLICT (source_id, minute, writer) DO UPDATE SET
        rejected = tally.rejected + excluded.rejected,
        last_at = greatest(tally.last_at, excluded.last_at)
"""


class Arrival(NamedTuple):
    """An event to insert, and what is known of its routing."""

    event: Event
    owner: str
    """The worker that has it in memory, if one does."""
    lease_until: int
    is_quiet: bool
    """Whether it is routed already: no rule asks for it."""


class Place(NamedTuple):
    """Where an event is."""

    seq: int
    kind_id: int


def fingerprint(source_id: int, key: bytes) -> bytes:
    """Return 16 bytes that stand for a key at a source."""
    return blake2b(b"%d:%b" % (source_id, key), digest_size=16).digest()


class Intake:
    """Writes batches of arrivals."""

    def __init__(
        self,
        names: Names,
        arrived: Callable[[int, bool], None],
        rejected_max: int = REJECTED_MAX,
    ) -> None:
        self._rejected_max = rejected_max
        self.recent: dict[str, Place] = {}
        """Places of events by id, from their commit until they are routed."""
        self._names = names
        self._arrived = arrived
        """Told when the newest of a batch arrived, and whether it is for others to route."""

    async def write(self, session: Session, arrivals: Sequence[Arrival]) -> list[Accepted]:
        """Insert events; those whose (source, key) or id is there count as duplicates of it."""
        kinds = self._names.kinds
        wanted = [kind_of(arrival.event) for arrival in arrivals]
        if any(kind not in kinds for kind in wanted):
            await self._names.learn_kinds(session, wanted)
        batch = _Batch(arrivals, [kinds[kind] for kind in wanted])
        try:
            ((_, _, first), *others) = await session.fetch(_ACCEPT, *batch.columns())
        except psycopg.errors.UniqueViolation:
            return await self._write_known_ids(session, arrivals)
        is_new = batch.answer(others)
        self._remember(batch, first, is_new)
        return batch.answers

    async def _write_known_ids(
        self, session: Session, arrivals: Sequence[Arrival]
    ) -> list[Accepted]:
        """Write a batch in which an id is there already under another key: a duplicate as well."""
        ids = texts([arrival.event.id for arrival in arrivals])
        there = {row[0] for row in await session.fetch(_SAME_ID, ids)}
        fresh = [arrival for arrival in arrivals if arrival.event.id not in there]
        written = iter(await self.write(session, fresh) if fresh else [])
        answers = []
        for arrival in arrivals:
            event = arrival.event
            if event.id in there:
                source_id = self._names.sources[event.source]
                await session.fetch(_COUNT_SAME_ID, event.id, event.received_at, source_id)
                answers.append(Accepted(event.id, is_duplicate=True))
            else:
                answers.append(next(written))
        return answers

    def _remember(self, batch: "_Batch", first: int, is_new: Sequence[int]) -> None:
        recent = self.recent
        if len(recent) > RECENT_MAX:
            recent.clear()
        is_free = False
        for n in is_new:
            event, owner, _, is_quiet = batch.arrivals[n]
            if is_quiet:
                continue
            recent[event.id] = Place(first + n, batch.places[n][1])
            is_free = is_free or not owner
        if is_new:
            self._arrived(batch.arrivals[is_new[-1]].event.received_at, is_free)

    async def refusals(self, session: Session, refusals: Sequence[Rejected]) -> Statement:
        """Return what writes refusals into the ring."""
        await self._names.learn_sources(session, [one.source for one in refusals])
        requests = [one.request for one in refusals]
        return Statement(
            _REFUSE,
            (
                ints(list(range(len(refusals)))),
                texts([one.id for one in refusals]),
                texts([one.source for one in refusals]),
                ints([one.status for one in refusals]),
                texts([one.error for one in refusals]),
                blobs([_verdict(one) for one in refusals]),
                texts([request.method for request in requests]),
                texts([request.target for request in requests]),
                texts([request.base_url for request in requests]),
                texts([request.client_ip for request in requests]),
                bigs([request.received_at for request in requests]),
                blobs([request.headers.pack() for request in requests]),
                blobs([request.body[:REJECTED_BODY_MAX] for request in requests]),
                ints([self._names.sources[one.source] for one in refusals]),
                self._rejected_max,
            ),
        )


def _verdict(rejected: Rejected) -> bytes | None:
    if rejected.verdict is None:
        return None
    return msgspec.json.encode(msgspec.structs.replace(rejected.verdict, content_key=b""))


class _Batch:
    """Arrivals without those that repeat one of the same batch."""

    def __init__(self, arrivals: Sequence[Arrival], places: Sequence[tuple[int, int]]) -> None:
        self.arrivals = arrivals
        self.places = places
        self.answers = [Accepted(arrival.event.id) for arrival in arrivals]
        self._prints = [
            fingerprint(place[0], arrival.event.key)
            for arrival, place in zip(arrivals, places, strict=True)
        ]
        self._first = self._find_first()

    def _find_first(self) -> list[int]:
        """Return for each arrival which one of the batch has its key or its id first."""
        seen: dict[bytes | str, int] = {}
        first: list[int] = []
        for n, print_ in enumerate(self._prints):
            at = seen.setdefault(print_, n)
            if at == n:
                at = seen.setdefault(self.arrivals[n].event.id, n)
            first.append(first[at] if at < n else n)
        return first

    def columns(self) -> tuple[Any, ...]:
        """Return what `_ACCEPT` inserts."""
        further = [0] * len(self.arrivals)
        for n, at in enumerate(self._first):
            further[at] += at != n
        ns = [n for n, at in enumerate(self._first) if at == n]
        arrivals = [self.arrivals[n] for n in ns]
        events = [arrival.event for arrival in arrivals]
        requests = [event.request for event in events]
        verdicts = [event.verdict for event in events]
        keys = [event.key for event in events]
        contents = [verdict.content_key for verdict in verdicts]
        return (
            ints(ns),
            texts([event.id for event in events]),
            uuids([self._prints[n] for n in ns]),
            ints([self.places[n][0] for n in ns]),
            ints([self.places[n][1] for n in ns]),
            bigs([request.received_at for request in requests]),
            bigs([verdict.signed_at for verdict in verdicts]),
            blobs(keys),
            blobs(
                [
                    b"" if content == key and key else content or None
                    for content, key in zip(contents, keys, strict=True)
                ]
            ),
            texts([request.target for request in requests]),
            texts([request.client_ip for request in requests]),
            texts([event.parent or None for event in events]),
            texts([verdict.detail or None for verdict in verdicts]),
            blobs([request.headers.pack() for request in requests]),
            blobs([request.body for request in requests]),
            texts([arrival.owner for arrival in arrivals]),
            bigs([arrival.lease_until if arrival.owner else 0 for arrival in arrivals]),
            ints([further[n] for n in ns]),
            ints([int(arrival.is_quiet) for arrival in arrivals]),
        )

    def answer(self, others: Sequence[tuple[Any, ...]]) -> list[int]:
        """Note which were there before, and return which are new."""
        originals = {n: event_id for n, event_id, _ in others}
        is_new = []
        for n, at in enumerate(self._first):
            if at in originals:
                self.answers[n] = Accepted(originals[at], is_duplicate=True)
            elif at != n:
                self.answers[n] = Accepted(self.answers[at].id, is_duplicate=True)
            else:
                is_new.append(n)
        return is_new
