"""Hand out work: events that nobody routes, runs that may be tried now."""

from collections.abc import Mapping
from typing import Any

from hookagent.event import Event
from hookagent.job import RunState
from hookagent.store.base import Run
from hookagent.store.rows import RUNNING, Claim, event_of, run_of
from hookagent.store.sqlite.ordering import MAY_BEGIN
from hookagent.store.sqlite.rows import EVENT_COLUMNS, RUN_COLUMNS
from hookagent.store.sqlite.writer import Transaction


def claim_events(transaction: Transaction, claim: Claim) -> list[Event]:
    """Take unrouted events without a live lease, oldest first."""
    execute = transaction.connection.execute
    taken = execute(
        "SELECT seq FROM unrouted WHERE lease_until <= ? ORDER BY seq LIMIT ?",
        (claim.now, claim.limit),
    ).fetchall()
    transaction.connection.executemany(
        "UPDATE unrouted SET owner = ?, lease_until = ? WHERE seq = ?",
        [(claim.owner, claim.lease_until, seq) for (seq,) in taken],
    )
    return [
        event_of(execute(f"SELECT {EVENT_COLUMNS} WHERE e.seq = ?", (seq,)).fetchone())
        for (seq,) in taken
    ]


def claim_runs(transaction: Transaction, claim: Claim) -> list[Run]:
    """Take runs that may be tried now.

    Retries and expired leases come first, in the order they fell due: a stream of new runs must
    not hold them up for ever. Then come pending ones, oldest first.
    """
    left = _places_left(transaction, claim)
    due = _claimable(transaction, f"BETWEEN 1 AND {claim.now:d}", left, claim)
    for run in due:
        if run.rule in left:
            left[run.rule] -= 1
    if len(due) < claim.limit:
        due += _claimable(transaction, "= 0", left, claim)[: claim.limit - len(due)]
    for run in due:
        run.is_interrupted = run.state is RunState.RUNNING
        run.state = RunState.RUNNING
        run.owner = claim.owner
        run.lease_until = claim.lease_until
    transaction.connection.executemany(
        "UPDATE runs SET state = ?, owner = ?, lease_until = ?, wake_at = ? WHERE id = ?",
        [(RUNNING, claim.owner, claim.lease_until, claim.lease_until, run.id) for run in due],
    )
    return due


def _places_left(transaction: Transaction, claim: Claim) -> dict[str, int]:
    """Return how many more runs each rule with a limit may have under way."""
    left = {}
    for rule, limit in claim.limits.items():
        (busy,) = transaction.connection.execute(
            "SELECT count(*) FROM runs WHERE cell_id IN (SELECT id FROM cells WHERE rule_id = ?)"
            " AND state = ? AND wake_at > ?",
            (transaction.names.rule(rule), RUNNING, claim.now),
        ).fetchone()
        left[rule] = max(limit - busy, 0)
    return left


def _claimable(
    transaction: Transaction, when: str, left: Mapping[str, int], claim: Claim
) -> list[Run]:
    """Return runs that wake then, those of rules with places left apart from all others."""
    names = transaction.names
    bounded = ", ".join(str(names.rule(rule)) for rule in left)
    rows = _awake(transaction, when, f"NOT IN ({bounded})", claim.limit)
    for rule, places in left.items():
        if places > 0:
            rows += _awake(transaction, when, f"= {names.rule(rule):d}", min(places, claim.limit))
    rows.sort(key=lambda row: row[:2])
    return [run_of(row[2:]) for row in rows[: claim.limit]]


def _awake(transaction: Transaction, when: str, rules: str, limit: int) -> list[tuple[Any, ...]]:
    """Return when they wake, their places and the runs themselves."""
    return transaction.connection.execute(
        f"SELECT r.wake_at, r.seq, {RUN_COLUMNS} WHERE r.wake_at {when} AND r.rule_id {rules}"
        f" AND {MAY_BEGIN} ORDER BY r.wake_at, r.seq LIMIT ?",
        (limit,),
    ).fetchall()
