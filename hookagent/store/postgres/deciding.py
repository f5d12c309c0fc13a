"""A person's hand on dead runs."""

from hookagent.job import RunState
from hookagent.store.base import Run
from hookagent.store.postgres.arrays import storable, texts
from hookagent.store.postgres.names import Names
from hookagent.store.postgres.ordering import in_order
from hookagent.store.postgres.rows import (
    PROGRESS_COLUMNS,
    PROGRESS_TYPES,
    RUNS,
    progress,
    read_run,
)
from hookagent.store.postgres.session import Session, Statement
from hookagent.store.rows import DEAD

_DEAD_RUN = f"SELECT {RUNS} WHERE r.id = $1 AND r.state = {DEAD} FOR UPDATE OF r"
_GIVEN = ", ".join(f"${place}::{kind}" for place, kind in enumerate(PROGRESS_TYPES, 2))
_REWRITE = f"""
    UPDATE hook.runs AS r SET ({PROGRESS_COLUMNS}) =
        ({", ".join("i." + column for column in PROGRESS_COLUMNS.split(", "))})
    FROM unnest($1::text[], {_GIVEN}) AS i(id, {PROGRESS_COLUMNS}) WHERE r.id = i.id
"""  # noqa: S608 - constants of ours


async def revive(session: Session, names: Names, run_id: str, now: int) -> Run | None:
    """Make a dead run pending; the step it stands at starts counting its attempts anew."""
    run = await _dead_run(session, run_id)
    if run is None:
        return None
    if run.step < len(run.steps):
        run.steps[run.step].begin_again()
    run.state = RunState.PENDING
    run.due_at = now
    run.ended_at = 0
    run.reason = ""
    return await _rewritten(session, names, run)


async def discard(session: Session, names: Names, run_id: str, now: int) -> Run | None:
    """Set a dead run aside; it keeps the reason why it was dead."""
    run = await _dead_run(session, run_id)
    if run is None:
        return None
    run.state = RunState.DISCARDED
    run.ended_at = now
    return await _rewritten(session, names, run)


async def _dead_run(session: Session, run_id: str) -> Run | None:
    rows = await session.fetch(_DEAD_RUN, storable(run_id))
    return read_run(rows[0]) if rows else None


async def _rewritten(session: Session, names: Names, run: Run) -> Run:
    await names.learn_rules(session, [run.rule])
    write = Statement(_REWRITE, (texts([run.id]), *progress([run])))
    for query, values in in_order([write], [run], names.rules):
        await session.fetch(query, *values)
    run.owner = ""
    run.lease_until = 0
    return run
