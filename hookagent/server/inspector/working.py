"""Runs over the interface: the dead and the waiting, and a person's hand on them."""

from typing import Any, Literal, Protocol

import msgspec
from aiohttp import web

from hookagent.errors import AnswerNo, NotFound, UsageError
from hookagent.job import RunState
from hookagent.pipeline.approving import decide, waiting, waiting_document
from hookagent.pipeline.documents import run_document
from hookagent.server.inspector.answers import json
from hookagent.server.inspector.asking import asked, page_size
from hookagent.server.inspector.parts import PARTS
from hookagent.store.base import Run, RunFilter

MANY_MAX = 10_000
"""Dead runs that one request changes."""


class Change(Protocol):
    """What the store does with one dead run; None where it is not dead."""

    async def __call__(self, run_id: str, *, now: int) -> Run | None: ...


async def listed(request: web.Request) -> web.Response:
    """List runs, newest first; `next` is the `before` of the following page."""
    store = request.app[PARTS].store
    query = request.query
    limit = page_size(query, 50)
    found = await store.runs(
        RunFilter(
            states=states(query.get("state", "")),
            rule=query.get("rule", ""),
            event_id=query.get("event", ""),
            before=query.get("before", ""),
            limit=limit,
        )
    )
    answer: dict[str, Any] = {"runs": [run_document(run) for run in found]}
    if len(found) == limit:
        answer["next"] = found[-1].id
    return json(answer)


def states(text: str) -> tuple[RunState, ...]:
    """Read `dead,waiting`. Raises UsageError."""
    names = [name for name in text.split(",") if name]
    wrong = [name for name in names if name not in set(RunState)]
    if wrong:
        known = ", ".join(RunState)
        raise UsageError(f"`{wrong[0][:40]}` is not a state of a run", hint=f"known: {known}")
    return tuple(RunState(name) for name in names)


async def retry(request: web.Request) -> web.Response:
    """Make a dead run pending again."""
    parts = request.app[PARTS]
    run_id = request.match_info["id"]
    return await _changed(request, await parts.store.revive(run_id, now=parts.clock()))


async def discard(request: web.Request) -> web.Response:
    """Set a dead run aside for good."""
    parts = request.app[PARTS]
    run_id = request.match_info["id"]
    return await _changed(request, await parts.store.discard(run_id, now=parts.clock()))


class Many(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which dead runs are meant."""

    rule: str = ""
    """Those of this rule; every one when empty."""


async def retry_many(request: web.Request) -> web.Response:
    """Make dead runs pending again: all, or those of a rule."""
    return await _of_many(request, request.app[PARTS].store.revive)


async def discard_many(request: web.Request) -> web.Response:
    """Set dead runs aside for good: all, or those of a rule."""
    return await _of_many(request, request.app[PARTS].store.discard)


async def _of_many(request: web.Request, change: Change) -> web.Response:
    wanted = await asked(request, Many)
    parts = request.app[PARTS]
    chosen = RunFilter(states=(RunState.DEAD,), rule=wanted.rule, limit=MANY_MAX)
    dead = await parts.store.runs(chosen)
    changed = [await change(run.id, now=parts.clock()) for run in dead]
    return json({"changed": sum(run is not None for run in changed)})


async def _changed(request: web.Request, run: Run | None) -> web.Response:
    if run is not None:
        return json(run_document(run))
    run_id = request.match_info["id"]
    if await request.app[PARTS].store.run(run_id) is None:
        raise NotFound(f"no run `{run_id[:80]}`")
    raise AnswerNo(f"run `{run_id[:80]}` is not dead")


async def questions(request: web.Request) -> web.Response:
    """List what waits for a person's word."""
    found = await waiting(request.app[PARTS].store)
    return json({"approvals": [waiting_document(one) for one in found]})


class Word(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person's answer."""

    said: Literal["yes", "no"]


async def decided(request: web.Request) -> web.Response:
    """Answer what a run asks; it goes on when it looks again."""
    word = await asked(request, Word)
    store = request.app[PARTS].store
    return json(waiting_document(await decide(store, request.match_info["id"], word.said)))


ROUTES = (
    web.get("/api/approvals", questions),
    web.post("/api/runs/{id}/decide", decided),
    web.get("/api/runs", listed),
    web.post("/api/runs/retry", retry_many),
    web.post("/api/runs/discard", discard_many),
    web.post("/api/runs/{id}/retry", retry),
    web.post("/api/runs/{id}/discard", discard),
)
