"""Adapter: lists and one event over the interface."""

from tests.whole.shop import ORDER, REFUND, SMALL


async def test_lists_are_paged_by_key_and_newest_first(agent):
    ids = [(await agent.post({**ORDER, "id": n}))["id"] for n in range(7)]
    seen, query = [], "?limit=3"

    while query:
        _, page = await agent.get(f"/api/events{query}")
        seen += [one["id"] for one in page["events"]]
        query = f"?limit=3&before={page['next']}" if "next" in page else ""

    assert seen == ids[::-1]


async def test_a_list_is_filtered(agent):
    big, small = await agent.settled(ORDER), await agent.settled(SMALL)
    refund = await agent.settled(REFUND)

    async def found(query):
        status, page = await agent.get(f"/api/events?{query}")
        assert status == 200, page
        return [one["id"] for one in page["events"]]

    assert await found("type=order.*") == [small, big]
    assert await found("rule=big") == [big]
    assert await found("status=dead") == [refund]
    assert await found("status=quiet") == [small]
    assert await found("text=hello") == [big]
    assert await found("source=shop&since=1h&origin=live") == [refund, small, big]
    assert await found("until=1h") == []
    assert await found("source=other") == []
    assert await found("verdict=ok") == [refund, small, big]
    assert await found("verdict=body-signed&status=quiet") == [small]
    assert await found("verdict=none") == []
    assert await found("verdict=wrong-signature") == []


async def test_a_wrong_filter_is_answered_with_what_is_wrong(agent):
    for query in (
        "verdict=genuine",
        "status=deaf",
        "limit=0",
        "limit=x",
        "since=soon",
        "before=1.5",
    ):
        status, answer = await agent.get(f"/api/events?{query}")
        assert status == 422
        assert query.partition("=")[0] in answer["message"]


async def test_one_event_is_shown_in_full_with_its_secrets_masked(agent):
    event_id = (await agent.post(ORDER, Authorization="Bearer not-for-the-page"))["id"]

    status, shown = await agent.get(f"/api/events/{event_id}")

    assert status == 200
    assert '"note": "<b>hello</b>"' in shown["body"]
    assert shown["verdict"]["reason"] == "ok"
    assert shown["body_info"] == {
        "media": "application/json",
        "size": len(shown["body"]),
        "error": None,
    }
    assert "not-for-the-page" not in str(shown)
    assert ["Authorization", "Bearer ***"] in shown["headers"]


async def test_an_unknown_event_names_those_that_begin_alike(agent):
    event_id = (await agent.post(ORDER))["id"]

    status, answer = await agent.get(f"/api/events/{event_id[:-1]}x")

    assert status == 404
    assert event_id in answer["hint"]


async def test_an_unknown_event_does_not_claim_that_there_are_none(agent):
    await agent.post(ORDER)

    status, answer = await agent.get("/api/events/nothing-like-it")

    assert status == 404
    assert answer["hint"] == "`GET /api/events` lists them"
