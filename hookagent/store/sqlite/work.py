"""Hand out work and write down what became of it. Each function is one piece of a transaction."""

from collections.abc import Sequence

import msgspec

from hookagent.event import Event
from hookagent.job import RunState
from hookagent.store.base import Routed, Run
from hookagent.store.sqlite.rows import (
    DEAD,
    DISCARDED,
    EVENT_COLUMNS,
    PENDING,
    PROGRESS_COLUMNS,
    RUN_COLUMNS,
    RUNNING,
    event_of,
    run_of,
    run_progress,
)
from hookagent.store.sqlite.writer import Transaction

_NEW_RUN = (
    f"INSERT OR IGNORE INTO runs (id, event_seq, rule_id, cell_id, created_at, {PROGRESS_COLUMNS})"  # noqa: S608 - constants of ours
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_PROGRESS = (
    f"UPDATE runs SET ({PROGRESS_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - a constant of ours
    f" WHERE id = ? AND owner = ? AND state = {RUNNING}"
)


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes work, how much, and until when it is theirs."""

    owner: str
    now: int
    lease_until: int
    limit: int


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


def route(transaction: Transaction, owner: str, routed: Sequence[Routed]) -> list[bool]:
    """Record what matching found; False for an event another worker holds or that was routed."""
    quiet: list[tuple[int, int]] = []
    answers = []
    for outcome in routed:
        place = _place(transaction, outcome.event_id)
        is_ours = not outcome.event_id or (
            place is not None and _leave(transaction, owner, place[0])
        )
        answers.append(is_ours)
        if not is_ours:
            continue
        transaction.intake.recent.pop(outcome.event_id, None)
        if place is not None and not outcome.runs:
            quiet.append((place[1], place[0]))
        if outcome.versions:
            _keep_versions(transaction, outcome)
        if outcome.runs:
            _insert_runs(transaction, owner, outcome, place)
        if outcome.states:
            _keep_states(transaction, outcome)
    if quiet:
        transaction.connection.executemany("INSERT OR IGNORE INTO quiet VALUES (?, ?)", quiet)
    return answers


def _leave(transaction: Transaction, owner: str, seq: int) -> bool:
    """Take an event off the unrouted ones, unless another worker holds it or did so before."""
    return (
        transaction.connection.execute(
            "DELETE FROM unrouted WHERE seq = ? AND owner IN (?, '')", (seq, owner)
        ).rowcount
        == 1
    )


def _place(transaction: Transaction, event_id: str) -> tuple[int, int] | None:
    """Return the seq and kind of an event, or None."""
    if not event_id:
        return None
    found = transaction.intake.recent.get(event_id)
    if found is None:
        found = transaction.connection.execute(
            "SELECT seq, kind_id FROM events WHERE id = ?", (event_id,)
        ).fetchone()
    return found


def _insert_runs(
    transaction: Transaction, owner: str, outcome: Routed, place: tuple[int, int] | None
) -> None:
    names = transaction.names
    rows = []
    for run in outcome.runs:
        if run.state is RunState.RUNNING and not run.owner:
            run = msgspec.structs.replace(run, owner=owner)  # noqa: PLW2901 - the same run, leased
        of_run = place
        if run.event_id != outcome.event_id:
            of_run = _place(transaction, run.event_id)
        seq, kind_id = of_run or (None, 0)
        rule_id = names.rule(run.rule)
        cell_id = names.cell(rule_id, kind_id)
        rows.append((run.id, seq, rule_id, cell_id, run.created_at, *run_progress(run)))
        if of_run is not None and of_run is not place:
            transaction.connection.execute(
                "DELETE FROM quiet WHERE kind_id = ? AND seq = ?", (kind_id, seq)
            )
    transaction.connection.executemany(_NEW_RUN, rows)


def _keep_versions(transaction: Transaction, outcome: Routed) -> None:
    transaction.connection.executemany(
        "INSERT OR IGNORE INTO rule_versions VALUES (?, ?, ?)",
        [
            (version.hash, version.rule, msgspec.json.encode(version.steps))
            for version in outcome.versions
        ],
    )


def _keep_states(transaction: Transaction, outcome: Routed) -> None:
    for state in outcome.states:
        if state.value is None:
            transaction.connection.execute(
                "DELETE FROM states WHERE rule = ? AND key = ?", (state.rule, state.key)
            )
        else:
            transaction.connection.execute(
                "INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?)",
                (state.rule, state.key, state.value, state.due_at),
            )


def claim_runs(transaction: Transaction, claim: Claim, exclude_rules: Sequence[str]) -> list[Run]:
    """Take runs that may be tried now.

    Retries and expired leases come first, in the order they fell due: a stream of new runs must
    not hold them up for ever. Then come pending ones, oldest first.
    """
    names = transaction.names
    excluded = ", ".join(str(names.rule(rule)) for rule in exclude_rules)
    due = _claimable(transaction, "BETWEEN 1 AND ?", excluded, (claim.now, claim.limit))
    room = claim.limit - len(due)
    due += _claimable(transaction, "= 0", excluded, (room,)) if room else []
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


def _claimable(
    transaction: Transaction, when: str, excluded: str, values: tuple[int, ...]
) -> list[Run]:
    rows = transaction.connection.execute(
        f"SELECT {RUN_COLUMNS} WHERE r.wake_at {when} AND r.rule_id NOT IN ({excluded})"
        " ORDER BY r.wake_at, r.seq LIMIT ?",
        values,
    )
    return [run_of(row) for row in rows]


def take_over(transaction: Transaction, owner: str) -> None:
    """End the leases of all others: their runs are interrupted, their events free."""
    execute = transaction.connection.execute
    execute("UPDATE unrouted SET owner = '', lease_until = 0 WHERE owner <> ?", (owner,))
    execute(
        "UPDATE runs SET owner = '', lease_until = 0, wake_at = 1 WHERE wake_at IS NOT NULL"
        " AND state = ? AND owner <> ?",
        (RUNNING, owner),
    )


def record(transaction: Transaction, owner: str, runs: Sequence[Run]) -> list[bool]:
    """Write runs whose lease is still the owner's."""
    execute = transaction.connection.execute
    return [execute(_PROGRESS, (*run_progress(run), run.id, owner)).rowcount == 1 for run in runs]


def renew(
    transaction: Transaction, owner: str, run_ids: Sequence[str], lease_until: int
) -> list[str]:
    """Prolong leases that are still the owner's."""
    execute = transaction.connection.execute
    return [
        run_id
        for run_id in run_ids
        if execute(
            "UPDATE runs SET lease_until = ?, wake_at = ? WHERE id = ? AND owner = ? AND state = ?",
            (lease_until, lease_until, run_id, owner, RUNNING),
        ).rowcount
    ]


def revive(transaction: Transaction, run_id: str, now: int) -> Run | None:
    """Make a dead run pending; the step it stands at starts counting its attempts anew."""
    run = _dead_run(transaction, run_id)
    if run is None:
        return None
    if run.step < len(run.steps):
        run.steps[run.step].attempts = []
        run.steps[run.step].state = type(run.steps[run.step].state).PENDING
    run.state = RunState.PENDING
    run.due_at = now
    run.ended_at = 0
    run.reason = ""
    return _rewrite(transaction, run, PENDING)


def discard(transaction: Transaction, run_id: str, now: int) -> Run | None:
    """Set a dead run aside; it keeps the reason why it was dead."""
    run = _dead_run(transaction, run_id)
    if run is None:
        return None
    run.state = RunState.DISCARDED
    run.ended_at = now
    return _rewrite(transaction, run, DISCARDED)


def _dead_run(transaction: Transaction, run_id: str) -> Run | None:
    row = transaction.connection.execute(
        f"SELECT {RUN_COLUMNS} WHERE r.id = ? AND r.state = ?",
        (run_id, DEAD),
    ).fetchone()
    return None if row is None else run_of(row)


def _rewrite(transaction: Transaction, run: Run, state: int) -> Run:
    progress = run_progress(run)
    assert progress[0] == state
    transaction.connection.execute(
        f"UPDATE runs SET ({PROGRESS_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?",  # noqa: S608 - a constant of ours
        (*progress, run.id),
    )
    run.owner = ""
    run.lease_until = 0
    return run


def keep(transaction: Transaction, name: str, value: bytes | None) -> None:
    """Keep or forget a small value."""
    if value is None:
        transaction.connection.execute("DELETE FROM kept WHERE name = ?", (name,))
    else:
        transaction.connection.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (name, value))
