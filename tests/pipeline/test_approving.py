"""Adapter: questions found in a real store, and answered there."""

import pytest

from hookagent.actions.agents import approval
from hookagent.errors import NotFound
from hookagent.event import Event, RawRequest
from hookagent.job import RunState, Step
from hookagent.pipeline.approving import decide, waiting, waiting_document
from hookagent.store.base import Routed, Run
from hookagent.store.sqlite import SqliteStore
from hookagent.verdict import Code, Verdict

NOW = 1_790_000_000_000


@pytest.fixture
async def store(tmp_path):
    made = SqliteStore(tmp_path / "store.db")
    await made.open()
    yield made
    await made.close()


async def a_run(store, run_id, state=RunState.WAITING, *, question=True):
    """Store an event with one run, which asks something or does not."""
    verdict = Verdict(valid=True, scheme="none", code=Code.UNCHECKED)
    request = RawRequest(body=run_id.encode(), received_at=NOW)
    event = Event(
        id=f"evt_{run_id}", source="shop", key=run_id.encode(), request=request, verdict=verdict
    )
    await store.accept(event)
    asked = approval.question(f"{run_id}-0", {"answer": "x"}, NOW)
    output = {"approval": {"key": asked.key, "asked_at": NOW, "what": asked.what}}
    step = Step(name="agent", action="agent", output=output if question else {"until": 1})
    run = Run(id=run_id, event_id=event.id, rule="sort", state=state, steps=[step], due_at=NOW * 2)
    await store.claim_events("t", now=NOW, lease_until=NOW + 1, limit=9)
    await store.route("t", [Routed(event_id=event.id, runs=[run])])
    return asked.key


async def test_only_runs_that_ask_something_wait_for_a_person(store):
    key = await a_run(store, "run_1")
    await a_run(store, "run_2", question=False)

    (found,) = await waiting(store)

    assert (found.run, found.rule, found.step, found.key) == ("run_1", "sort", "agent", key)
    assert waiting_document(found)["what"] == {"answer": "x"}
    assert waiting_document(found)["said"] is None


async def test_a_word_is_found_by_the_run_and_in_the_list(store):
    key = await a_run(store, "run_1")

    await decide(store, "run_1", "no")

    assert await approval.decision(store, key) == "no"
    (found,) = await waiting(store)
    assert found.said == "no"


async def test_a_run_that_asks_nothing_cannot_be_answered(store):
    await a_run(store, "run_1", question=False)

    with pytest.raises(NotFound, match="asks nothing"):
        await decide(store, "run_1", "yes")
    with pytest.raises(NotFound, match="no run `run_9`"):
        await decide(store, "run_9", "yes")
