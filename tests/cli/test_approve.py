"""`hookagent approve`: lists what waits, decides it, and shows no payload that steers a terminal."""

import asyncio
import json

from hookagent.actions.agents import approval
from hookagent.job import RunState, Step
from hookagent.store.base import Routed, Run
from tests.cli.workbench import EVIL, NOW, harmful


def question(seed, run_id="run_1", what=None):
    """Record a run that waits for a person; return the question's key."""
    (event_id,) = seed.events({"id": run_id, "type": "issue"})
    asked = approval.question(f"{run_id}-0", what or {"answer": "x"}, NOW)
    output = {"approval": {"key": asked.key, "asked_at": NOW, "what": asked.what}}
    step = Step(name="agent", action="agent", output=output)
    run = Run(
        id=run_id,
        event_id=event_id,
        rule="sort",
        state=RunState.WAITING,
        steps=[step],
        due_at=NOW * 2,
    )

    async def put():
        store = seed._store()
        await store.open()
        await store.claim_events("t", now=NOW * 2, lease_until=NOW * 2 + 1, limit=9)
        await store.route("t", [Routed(event_id=event_id, runs=[run])])
        await store.close()

    asyncio.run(put())
    return asked.key


def kept(seed, key):
    async def look():
        store = seed._store()
        await store.open()
        try:
            return await approval.decision(store, key)
        finally:
            await store.close()

    return asyncio.run(look())


def test_what_waits_is_listed_with_its_proposal(seed, run):
    question(seed)

    code, out, err = run("approve")

    assert code == 0
    assert "run_1" in out
    assert '"answer": "x"' in out
    assert "hookagent approve RUN --no" in err
    assert json.loads(run("approve", "--json")[1])["what"] == {"answer": "x"}


def test_nothing_waiting_is_said(seed, run):
    assert run("approve") == (0, "", "nothing waits for approval\n")


def test_yes_and_no_are_written_down(seed, run):
    one, other = question(seed), question(seed, "run_2")

    assert run("approve", "run_1")[:2] == (0, "run_1  sort  yes\n")
    assert run("approve", "run_2", "--no")[:2] == (0, "run_2  sort  no\n")
    assert (kept(seed, one), kept(seed, other)) == ("yes", "no")


def test_a_run_that_is_not_there_is_not_found(seed, run):
    code, _, err = run("approve", "run_9")

    assert code == 4
    assert "no run `run_9`" in err


def test_a_proposal_cannot_steer_the_terminal(seed, run):
    question(seed, what={"answer": EVIL})

    assert harmful(run("approve")[1]) == []
