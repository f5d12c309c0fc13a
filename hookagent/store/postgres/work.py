"""Hand out work and write down what became of it: each a job that shares a commit with others."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from hookagent.event import Event
from hookagent.store.base import Run
from hookagent.store.postgres.arrays import ints, texts
from hookagent.store.postgres.names import Names
from hookagent.store.postgres.ordering import in_order
from hookagent.store.postgres.rows import (
    EVENT_COLUMNS,
    PROGRESS_COLUMNS,
    PROGRESS_TYPES,
    RUN_COLUMNS,
    progress,
    read_event,
    read_run,
)
from hookagent.store.postgres.session import Row, Session, Statement
from hookagent.store.rows import RUNNING, Claim

# An array, not a join: where statistics are from a time when little waited, a join would compare
# each of those taken with all that wait.
_CLAIM_EVENTS = f"""
    WITH t AS (
        SELECT seq FROM hook.unrouted WHERE lease_until <= $1 ORDER BY seq LIMIT $2
        FOR UPDATE SKIP LOCKED
    ), c AS (
        UPDATE hook.unrouted SET owner = $3, lease_until = $4
        WHERE seq = ANY(ARRAY(SELECT seq FROM t))
        RETURNING seq
    ) SELECT {EVENT_COLUMNS} JOIN c ON c.seq = e.seq ORDER BY e.seq
"""  # noqa: S608 - constants of ours

_AWAKE = """
    SELECT r.id, r.seq, r.rule_id, r.wake_at, r.state FROM hook.runs AS r
    WHERE r.wake_at {when} AND r.rule_id {rules}
        AND (r.order_print IS NULL OR r.event_seq IS NULL
            OR r.event_seq <= (SELECT hook.settled()))
    ORDER BY r.wake_at, r.seq LIMIT {limit} FOR UPDATE SKIP LOCKED
"""
_DUE = "BETWEEN 1 AND $1"
_ANY_OTHER = {"rules": "<> ALL($5::int[])", "limit": "$3"}
_BOUNDED = {"rules": "= l.rule_id", "limit": "least(l.places, $3)"}
_CLAIM_RUNS = f"""
    WITH l AS MATERIALIZED (
        SELECT g.rule_id, greatest(g.most - (
            SELECT count(*) FROM hook.runs AS r
            WHERE r.cell_id IN (SELECT id FROM hook.cells AS c WHERE c.rule_id = g.rule_id)
                AND r.state = {RUNNING} AND r.wake_at > $1
        ), 0) AS places
        FROM unnest($5::int[], $6::int[]) AS g(rule_id, most)
    ),
    a AS ({_AWAKE.format(when=_DUE, **_ANY_OTHER)}),
    b AS ({_AWAKE.format(when="= 0", **_ANY_OTHER)}),
    c AS (SELECT r.* FROM l, LATERAL ({_AWAKE.format(when=_DUE, **_BOUNDED)}) AS r),
    d AS (SELECT r.* FROM l, LATERAL ({_AWAKE.format(when="= 0", **_BOUNDED)}) AS r),
    f AS (
        SELECT c.*, row_number() OVER (
            PARTITION BY rule_id ORDER BY wake_at = 0, wake_at, seq
        ) AS place
        FROM (TABLE c UNION ALL TABLE d) AS c
    ),
    t AS MATERIALIZED (
        SELECT * FROM (
            TABLE a UNION ALL TABLE b UNION ALL
            SELECT id, seq, f.rule_id, wake_at, state FROM f JOIN l ON l.rule_id = f.rule_id
            WHERE f.place <= l.places
        ) AS x ORDER BY wake_at = 0, wake_at, seq LIMIT $3
    ),
    r AS (
        UPDATE hook.runs AS r SET state = {RUNNING}, owner = $2, lease_until = $4, wake_at = $4
        FROM t WHERE r.id = t.id
        RETURNING t.wake_at AS woke_at, t.state AS was, r.*
    )
    SELECT r.was, {RUN_COLUMNS} FROM r JOIN hook.rules AS u ON u.id = r.rule_id
    ORDER BY r.woke_at = 0, r.woke_at, r.seq
"""  # noqa: S608 - constants of ours
_LOCK_LIMITS = "SELECT pg_advisory_xact_lock('hook.cells'::regclass::oid::int, 1)"

_GIVEN = ", ".join(f"${place}::{kind}" for place, kind in enumerate(PROGRESS_TYPES, 3))
_RECORD = f"""
    UPDATE hook.runs AS r SET ({PROGRESS_COLUMNS}) =
        ({", ".join("i." + column for column in PROGRESS_COLUMNS.split(", "))})
    FROM unnest($1::text[], {_GIVEN}) AS i(id, {PROGRESS_COLUMNS})
    WHERE r.id = i.id AND r.owner = $2 AND r.state = {RUNNING} RETURNING r.id
"""  # noqa: S608 - constants of ours

_RENEW = f"""
    UPDATE hook.runs SET lease_until = $3, wake_at = $3
    WHERE id = ANY($1::text[]) AND owner = $2 AND state = {RUNNING} RETURNING id
"""  # noqa: S608 - a constant of ours


class Job(Protocol):
    """A piece of a transaction."""

    async def statements(self, session: Session) -> list[Statement]:
        """Look up what is needed, and return what is to be executed."""

    def answer(self, rows: Sequence[Sequence[Row]]) -> Any:
        """Return what the one who asked waits for; `rows` are those of each statement."""


async def write_jobs(session: Session, jobs: Sequence[Job]) -> list[Any]:
    """Do several jobs in one commit and one round trip."""
    ready = [await job.statements(session) for job in jobs]
    rows = await session.run([one for statements in ready for one in statements])
    answers = []
    at = 0
    for job, statements in zip(jobs, ready, strict=True):
        answers.append(job.answer(rows[at : at + len(statements)]))
        at += len(statements)
    return answers


class ClaimEvents(msgspec.Struct, frozen=True):
    """Take unrouted events without a live lease, oldest first."""

    claim: Claim

    async def statements(self, session: Session) -> list[Statement]:
        """One."""
        del session
        claim = self.claim
        values = (claim.now, claim.limit, claim.owner, claim.lease_until)
        return [Statement(_CLAIM_EVENTS, values)]

    def answer(self, rows: Sequence[Sequence[Row]]) -> list[Event]:
        """Return the events taken."""
        return [read_event(row) for row in rows[0]]


class ClaimRuns(msgspec.Struct, frozen=True):
    """Take runs that may be tried now.

    Retries and expired leases come first, in the order they fell due: a stream of new runs must
    not hold them up for ever. Then come pending ones, oldest first.
    """

    claim: Claim
    names: Names

    async def statements(self, session: Session) -> list[Statement]:
        """One, behind a lock where rules have limits: one node at a time counts and takes."""
        claim, names = self.claim, self.names
        await names.learn_rules(session, claim.limits)
        limits = [(names.rules[rule], limit) for rule, limit in claim.limits.items()]
        values = (
            claim.now,
            claim.owner,
            claim.limit,
            claim.lease_until,
            ints([rule for rule, _ in limits]),
            ints([limit for _, limit in limits]),
        )
        lock = [Statement(_LOCK_LIMITS)] if limits else []
        return [*lock, Statement(_CLAIM_RUNS, values)]

    def answer(self, rows: Sequence[Sequence[Row]]) -> list[Run]:
        """Return the runs taken."""
        taken = []
        for was, *row in rows[-1]:
            run = read_run(tuple(row))
            run.is_interrupted = was == RUNNING
            taken.append(run)
        return taken


class Record(msgspec.Struct, frozen=True):
    """Write runs whose lease is still the owner's."""

    owner: str
    runs: Sequence[Run]
    names: Names

    async def statements(self, session: Session) -> list[Statement]:
        """One for all; a run that is given twice is written in two."""
        await self.names.learn_rules(session, {run.rule for run in self.runs if run.order_key})
        writes = []
        for turn in self._turns():
            runs = [self.runs[at] for at in turn]
            ids = texts([run.id for run in runs])
            writes.append(Statement(_RECORD, (ids, self.owner, *progress(runs))))
        return in_order(writes, self.runs, self.names.rules)

    def answer(self, rows: Sequence[Sequence[Row]]) -> list[bool]:
        """Return which were written."""
        turns = self._turns()
        first = (len(rows) - len(turns)) // 2
        answers = [False] * len(self.runs)
        for turn, written in zip(turns, rows[first:], strict=False):
            ids = {row[0] for row in written}
            for at in turn:
                answers[at] = self.runs[at].id in ids
        return answers

    def _turns(self) -> list[list[int]]:
        seen: dict[str, int] = {}
        turns: list[list[int]] = []
        for at, run in enumerate(self.runs):
            turn = seen.get(run.id, 0)
            seen[run.id] = turn + 1
            if turn == len(turns):
                turns.append([])
            turns[turn].append(at)
        return turns


class Renew(msgspec.Struct, frozen=True):
    """Prolong leases that are still the owner's."""

    owner: str
    run_ids: Sequence[str]
    lease_until: int

    async def statements(self, session: Session) -> list[Statement]:
        """One."""
        del session
        return [Statement(_RENEW, (texts(self.run_ids), self.owner, self.lease_until))]

    def answer(self, rows: Sequence[Sequence[Row]]) -> list[str]:
        """Return the ids still held."""
        held = {row[0] for row in rows[0]}
        return [run_id for run_id in self.run_ids if run_id in held]
