"""Adapter: refused deliveries with the reason of each."""

import asyncio
import json
from typing import Any

from hookagent.pipeline.ingest import REJECTED_BODY_MAX
from tests.patience import PATIENCE_S
from tests.whole.shop import ORDER


async def latest(agent, **fields):
    """Return the newest refusal with these fields, which is kept soon and without promise."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            _, listed = await agent.get("/api/rejected")
            for row in listed["rejected"]:
                if fields.items() <= row.items():
                    found: dict[str, Any] = row
                    return found


async def test_a_refused_delivery_says_why_and_what_mends_it(agent):
    await agent.post(ORDER, **{"X-Shop-Signature": "sha256=" + "0" * 64})
    row = await latest(agent)

    _, shown = await agent.get(f"/api/rejected/{row['id']}")

    assert (row["source"], row["status"]) == ("shop", 403)
    assert shown["why"]["diagnosis"]["cause"] == "wrong-secret"
    assert shown["why"]["diagnosis"]["mend"]
    assert (shown["reason"], shown["client_ip"]) == ("wrong-signature", "127.0.0.1")
    assert (await agent.get("/api/rejected/rej_none"))[0] == 404


async def test_refused_deliveries_are_filtered_as_events_are(agent):
    await agent.post(ORDER, **{"X-Shop-Signature": "sha256=" + "0" * 64})
    await agent.post(b'{"tea')

    async def reasons(query):
        status, said = await agent.get(f"/api/rejected?{query}")
        assert status == 200, said
        return [one["reason"] for one in said["rejected"]]

    async with asyncio.timeout(PATIENCE_S):
        while await reasons("verdict=refused") != ["bad-body", "wrong-signature"]:
            pass
    assert await reasons("verdict=wrong-signature&source=shop&since=1h") == ["wrong-signature"]
    assert await reasons("text=TEA") == ["bad-body"]
    assert await reasons("limit=1") == ["bad-body"]
    assert await reasons("source=other") == []
    assert await reasons("until=1h") == []
    assert await reasons("type=order.*") == []


async def test_what_was_turned_away_at_the_door_is_listed_though_nothing_of_it_is_kept(agent):
    url = agent.agent.listener_url
    async with agent.http.post(f"{url}/hooks/shopp", data=b"{}") as answer:
        assert answer.status == 404
    async with agent.http.get(f"{url}/hooks/shop") as answer:
        assert answer.status == 405
    lost = await latest(agent, status=404)
    wrong = await latest(agent, status=405)

    assert (lost["id"], lost["source"], lost["reason"]) == (None, "", "unknown-path")
    assert "did you mean `/hooks/shop`" in lost["detail"]
    assert (wrong["source"], wrong["reason"]) == ("shop", "wrong-method")
    _, overview = await agent.get("/api/overview")
    assert overview["turned_away"] == 2
    for query, count in (
        ("verdict=refused", 2), ("source=shop", 1), ("verdict=bad-body", 0), ("text=x", 0),
        ("since=1h", 2), ("until=1h", 0), ("type=x", 0), ("limit=1", 1),
    ):  # fmt: skip
        _, listed = await agent.get(f"/api/rejected?{query}")
        assert len(listed["rejected"]) == count, query


async def test_a_refused_delivery_is_exported_with_its_signature_masked(agent):
    await agent.post(ORDER, **{"X-Shop-Signature": "sha256=" + "ab" * 32})
    row = await latest(agent)

    texts = {}
    for form in ("curl", "json", "har", "pytest"):
        status, answer = await agent.get(f"/api/events/{row['id']}/export/{form}")
        assert status == 200
        texts[form] = answer["text"]

    assert not [form for form, text in texts.items() if "ab" * 32 in text]
    assert json.loads(texts["json"])["body"] == json.dumps(ORDER)
    assert json.loads(await agent.text(f"/api/events/{row['id']}/body")) == ORDER


async def test_a_refused_delivery_is_sent_again_as_a_persons_word(agent):
    await agent.post(ORDER, **{"X-Shop-Signature": "sha256=" + "0" * 64})
    row = await latest(agent)

    _, unsigned = await agent.do(f"/api/events/{row['id']}/replay", {"sign": False})
    _, sent = await agent.do(f"/api/events/{row['id']}/replay")

    assert unsigned["status"] == 403
    assert sent["status"] == 200
    _, event = await agent.get(f"/api/events/{sent['event']}")
    assert (event["origin"], event["parent"]) == ("replay", row["id"])


async def test_a_body_that_was_cut_when_it_was_kept_is_not_sent_again(agent):
    big = {**ORDER, "note": "x" * REJECTED_BODY_MAX}
    await agent.post(big, **{"X-Shop-Signature": "sha256=" + "0" * 64})
    row = await latest(agent)

    status, answer = await agent.do(f"/api/events/{row['id']}/replay")
    _, edited = await agent.do(f"/api/events/{row['id']}/replay", {"body": json.dumps(ORDER)})

    assert status == 409
    assert "bytes of this body were kept" in answer["message"]
    assert edited["status"] == 200
