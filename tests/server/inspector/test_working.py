"""Adapter: dead runs are listed, tried again and set aside."""

from tests.server.inspector.conftest import ORDER, REFUND


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


async def test_a_run_that_is_not_dead_stays_as_it_is(agent):
    await agent.settled(ORDER)
    _, listed = await agent.get("/api/runs?state=done")

    status, answer = await agent.do(f"/api/runs/{listed['runs'][0]['id']}/retry")

    assert status == 409
    assert "is not dead" in answer["message"]
    assert (await agent.do("/api/runs/run_none/discard"))[0] == 404
    assert (await agent.get("/api/runs?state=late"))[0] == 422
