"""What waits for a person's word, and the word: shared by `approve` and the inspector.

A waiting step keeps its question in its output; the answer is a value in the store, which the run
finds when it looks again.
"""

from typing import Any

import msgspec

from hookagent.actions.agents import approval
from hookagent.errors import NotFound
from hookagent.eventfile import format_time
from hookagent.job import RunState
from hookagent.store.base import Run, RunFilter, Store

LOOKED_AT = 1_000
"""How many waiting runs are looked through."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One question that is open."""

    run: str
    event: str
    rule: str
    step: str
    key: str
    asked_at: int
    """Unix milliseconds."""
    what: Any
    """The proposal: an answer, or the calls a model wants to make."""
    said: str = ""
    """`yes` or `no` where somebody answered and the run has not gone on yet."""


async def waiting(store: Store) -> list[Waiting]:
    """Return every open question, the newest first."""
    found = await store.runs(RunFilter(states=(RunState.WAITING,), limit=LOOKED_AT))
    open_ones = [one for run in found if (one := _question(run)) is not None]
    return [await _with_word(store, one) for one in open_ones]


def _question(run: Run) -> Waiting | None:
    if run.step >= len(run.steps):
        return None
    step = run.steps[run.step]
    asked = approval.asked(step.output)
    if asked is None:
        return None
    return Waiting(
        run=run.id,
        event=run.event_id,
        rule=run.rule,
        step=step.name,
        key=asked.key,
        asked_at=asked.asked_at,
        what=asked.what,
    )


async def _with_word(store: Store, one: Waiting) -> Waiting:
    said = await approval.decision(store, one.key)
    return msgspec.structs.replace(one, said=said or "")


async def decide(store: Store, run_id: str, said: approval.Decision) -> Waiting:
    """Answer the question of a run. Raises NotFound where it asks nothing."""
    run = await store.run(run_id)
    if run is None:
        known = [one.run for one in await waiting(store)]
        raise NotFound.among("run", run_id, known)
    asked = _question(run) if run.state is RunState.WAITING else None
    if asked is None:
        raise NotFound(
            f"run `{run_id}` asks nothing: it is {run.state}",
            hint="hookagent approve lists what waits",
        )
    await approval.decide(store, asked.key, said)
    return msgspec.structs.replace(asked, said=said)


def waiting_document(one: Waiting) -> dict[str, Any]:
    """Return one question as JSON."""
    shown: dict[str, Any] = msgspec.to_builtins(one)
    return {**shown, "asked_at": format_time(one.asked_at), "said": one.said or None}
