"""Adapter: dead runs are listed, tried again and set aside."""

from hookagent.actions.agents import approval
from hookagent.event import Event, RawRequest
from hookagent.job import RunState, Step
from hookagent.store.base import Routed, Run
from hookagent.verdict import Code, Verdict
from tests.whole.shop import ORDER, REFUND


async def test_a_dead_run_is_listed_retried_and_discarded(agent):
    event_id = await agent.settled(REFUND)
    _, listed = await agent.get("/api/runs?state=dead")
    run = listed["runs"][0]

    subscription = agent.agent.feed.subscribe()
    status, revived = await agent.do(f"/api/runs/{run['id']}/retry")
    await agent.until_final(event_id, subscription)
    gone, discarded = await agent.do(f"/api/runs/{run['id']}/discard")

    assert (run["rule"], run["event"], run["state"]) == ("refund", event_id, "dead")
    assert run["reason"]
    assert (status, revived["state"]) == (200, "pending")
    assert (gone, discarded["state"]) == (200, "discarded")


async def test_all_dead_runs_or_those_of_a_rule_are_changed_at_once(agent):
    events = [await agent.settled({**REFUND, "id": 30 + n}) for n in range(2)]

    other = await agent.do("/api/runs/discard", {"rule": "big"})
    subscription = agent.agent.feed.subscribe()
    status, retried = await agent.do("/api/runs/retry")
    for event_id in events:
        await agent.until_final(event_id, subscription)
        subscription = agent.agent.feed.subscribe()
    _, discarded = await agent.do("/api/runs/discard", {"rule": "refund"})
    _, listed = await agent.get("/api/runs?state=dead")
    agent.agent.feed.unsubscribe(subscription)

    assert other == (200, {"changed": 0})
    assert (status, retried, discarded) == (200, {"changed": 2}, {"changed": 2})
    assert listed["runs"] == []


async def test_a_run_that_is_not_dead_stays_as_it_is(agent):
    await agent.settled(ORDER)
    _, listed = await agent.get("/api/runs?state=done")

    status, answer = await agent.do(f"/api/runs/{listed['runs'][0]['id']}/retry")

    assert status == 409
    assert "is not dead" in answer["message"]
    assert (await agent.do("/api/runs/run_none/discard"))[0] == 404
    assert (await agent.get("/api/runs?state=late"))[0] == 422


async def test_what_a_model_proposes_is_listed_and_decided(agent):
    now, later = 1_790_000_000_000, 9_000_000_000_000
    verdict = Verdict(valid=True, scheme="none", code=Code.UNCHECKED)
    request = RawRequest(body=b"{}", received_at=now)
    event = Event(id="evt_asks", source="shop", key=b"k", request=request, verdict=verdict)
    question = approval.question("run_asks-0", {"answer": "x"}, now)
    output = {"approval": {"key": question.key, "asked_at": now, "what": question.what}}
    step = Step(name="agent", action="agent", output=output)
    run = Run(
        id="run_asks",
        event_id=event.id,
        rule="sort",
        state=RunState.WAITING,
        steps=[step],
        due_at=later,
    )
    await agent.store.accept(event, owner="test", lease_until=later)
    await agent.store.route("test", [Routed(event_id=event.id, runs=[run])])

    _, listed = await agent.get("/api/approvals")
    wrong, _ = await agent.do("/api/runs/run_asks/decide", {"said": "maybe"})
    status, decided = await agent.do("/api/runs/run_asks/decide", {"said": "yes"})

    assert [(one["run"], one["what"]) for one in listed["approvals"]] == [
        ("run_asks", {"answer": "x"})
    ]
    assert wrong == 422
    assert (status, decided["said"]) == (200, "yes")
    assert await approval.decision(agent.store, question.key) == "yes"
