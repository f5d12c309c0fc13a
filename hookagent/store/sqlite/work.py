"""Write down what became of work. Each function is one piece of a transaction."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec

from hookagent.job import RunState
from hookagent.store.base import Routed, Run
from hookagent.store.rows import (
    DEAD,
    DISCARDED,
    PENDING,
    RUNNING,
    run_of,
    run_progress,
)
from hookagent.store.sqlite.bulk import places, run_many
from hookagent.store.sqlite.ordering import arrange
from hookagent.store.sqlite.rows import PROGRESS_COLUMNS, RUN_COLUMNS
from hookagent.store.sqlite.writer import Transaction

_OURS = (
    "SELECT json_group_array(seq) FROM unrouted"
    " WHERE seq IN (SELECT value FROM json_each(?)) AND owner IN (?, '')"
)
_LEAVE = "DELETE FROM unrouted WHERE seq IN (SELECT value FROM json_each(?))"
_NOT_QUIET = "DELETE FROM quiet WHERE kind_id = ? AND seq = ?"
_QUIET = "INSERT OR IGNORE INTO quiet SELECT value ->> 0, value ->> 1 FROM json_each(?)"


@cache
def _new_runs(rows: int) -> str:
    return (
        "INSERT OR IGNORE INTO runs (id, event_seq, rule_id, cell_id, created_at,"  # noqa: S608 - constants of ours
        f" {PROGRESS_COLUMNS}, order_key) VALUES {places(rows, 17)}"
    )


@cache
def _progress(rows: int) -> str:
    given = ", ".join(f"column{n}" for n in range(1, 12))
    return (
        f"UPDATE runs SET ({PROGRESS_COLUMNS}) = ({given}) FROM (VALUES {places(rows, 12)})"  # noqa: S608 - constants of ours
        f" WHERE runs.id = column12 AND runs.owner = ? AND runs.state = {RUNNING}"
    )


def route(transaction: Transaction, owner: str, routed: Sequence[Routed]) -> list[bool]:
    """Record what matching found; False for an event another worker holds or that was routed."""
    found = [_place(transaction, outcome.event_id) for outcome in routed]
    ours = _leave(transaction, owner, [place[0] for place in found if place is not None])
    quiet: list[tuple[int, int]] = []
    runs: list[tuple[Any, ...]] = []
    answers = []
    for outcome, place in zip(routed, found, strict=True):
        if place is not None and place[0] in ours:
            ours.discard(place[0])
        elif outcome.event_id:
            answers.append(False)
            continue
        answers.append(True)
        transaction.intake.recent.pop(outcome.event_id, None)
        if place is not None and not outcome.runs:
            quiet.append((place[1], place[0]))
        if place is not None and outcome.left_to_judge:
            _put_on_docket(transaction, outcome, place[0])
        _keep_versions(transaction, outcome)
        runs += [_run_row(transaction, owner, run, outcome, place) for run in outcome.runs]
        if outcome.states:
            _keep_states(transaction, outcome)
    run_many(transaction.connection, _new_runs, runs)
    for outcome in routed:
        _arrange(transaction, outcome.runs)
    if quiet:
        transaction.connection.execute(_QUIET, (_json(quiet),))
    return answers


def write_judged(transaction: Transaction, owner: str, judged: Sequence[Routed]) -> None:
    """Write the runs, versions and states of events that were routed before."""
    runs: list[tuple[Any, ...]] = []
    for outcome in judged:
        place = _place(transaction, outcome.event_id)
        if place is not None and outcome.runs:
            transaction.connection.execute(_NOT_QUIET, (place[1], place[0]))
        _keep_versions(transaction, outcome)
        runs += [_run_row(transaction, owner, run, outcome, place) for run in outcome.runs]
        _keep_states(transaction, outcome)
    run_many(transaction.connection, _new_runs, runs)
    for outcome in judged:
        _arrange(transaction, outcome.runs)


def _put_on_docket(transaction: Transaction, outcome: Routed, seq: int) -> None:
    transaction.connection.execute(
        "INSERT INTO docket SELECT received_at, id, seq, ? FROM events WHERE seq = ?",
        (msgspec.json.encode(outcome.left_to_judge), seq),
    )


def _arrange(transaction: Transaction, runs: Sequence[Run]) -> None:
    """Put those that keep an order in order again."""
    keys = [(transaction.names.rule(run.rule), run.order_key) for run in runs if run.order_key]
    if keys:
        arrange(transaction.connection, keys)


def _leave(transaction: Transaction, owner: str, seqs: list[int]) -> set[int]:
    """Take events off the unrouted ones, unless another worker holds them or did so before."""
    if not seqs:
        return set()
    execute = transaction.connection.execute
    held: str = execute(_OURS, (_json(seqs), owner)).fetchone()[0]
    execute(_LEAVE, (held,))
    return set(msgspec.json.decode(held, type=list[int]))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


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


def _run_row(
    transaction: Transaction,
    owner: str,
    run: Run,
    outcome: Routed,
    place: tuple[int, int] | None,
) -> tuple[Any, ...]:
    """Return the row of a new run; the event of another run than this is no longer quiet."""
    names = transaction.names
    if run.state is RunState.RUNNING and not run.owner:
        run = msgspec.structs.replace(run, owner=owner)
    of_run = place
    if run.event_id != outcome.event_id:
        of_run = _place(transaction, run.event_id)
        if of_run is not None:
            transaction.connection.execute(_NOT_QUIET, (of_run[1], of_run[0]))
    seq, kind_id = of_run or (None, 0)
    rule_id = names.rule(run.rule)
    cell_id = names.cell(rule_id, kind_id)
    return (
        run.id,
        seq,
        rule_id,
        cell_id,
        run.created_at,
        *run_progress(run),
        run.order_key or None,
    )


def _keep_versions(transaction: Transaction, outcome: Routed) -> None:
    for version in outcome.versions:
        if transaction.names.is_new_version(version.hash):
            transaction.connection.execute(
                "INSERT OR IGNORE INTO rule_versions VALUES (?, ?, ?)",
                (version.hash, version.rule, msgspec.json.encode(version.steps)),
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
    connection = transaction.connection
    rows = [(*run_progress(run), run.id) for run in runs]
    connection.execute("SAVEPOINT record")
    try:
        written = [True] * len(rows)
        if run_many(connection, _progress, rows, owner) != len(rows):
            connection.execute("ROLLBACK TO record")  # somebody took one over: which?
            written = [
                connection.execute(_progress(1), (*row, owner)).rowcount == 1 for row in rows
            ]
        _arrange(transaction, runs)
        return written
    finally:
        connection.execute("RELEASE record")


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
        run.steps[run.step].begin_again()
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
    _arrange(transaction, [run])
    run.owner = ""
    run.lease_until = 0
    return run


def keep(transaction: Transaction, name: str, value: bytes | None) -> None:
    """Keep or forget a small value."""
    if value is None:
        transaction.connection.execute("DELETE FROM kept WHERE name = ?", (name,))
    else:
        transaction.connection.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (name, value))
