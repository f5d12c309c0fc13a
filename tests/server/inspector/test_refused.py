"""Adapter: refused deliveries with the reason of each."""

import asyncio
from typing import Any

from tests.whole.shop import ORDER


async def test_a_refused_delivery_says_why_and_what_mends_it(agent):
    await agent.post(ORDER, **{"X-Shop-Signature": "sha256=" + "0" * 64})
    listed: dict[str, list[dict[str, Any]]] = {"rejected": []}
    async with asyncio.timeout(10):
        while not listed["rejected"]:  # kept soon and without promise
            _, listed = await agent.get("/api/rejected")
    row = listed["rejected"][0]

    _, shown = await agent.get(f"/api/rejected/{row['id']}")

    assert (row["source"], row["status"]) == ("shop", 403)
    assert shown["why"]["diagnosis"]["cause"] == "wrong-secret"
    assert shown["why"]["diagnosis"]["mend"]
    assert (await agent.get("/api/rejected/rej_none"))[0] == 404


async def test_refused_deliveries_are_filtered_as_events_are(agent):
    await agent.post(ORDER, **{"X-Shop-Signature": "sha256=" + "0" * 64})
    await agent.post(b'{"tea')

    async def reasons(query):
        status, said = await agent.get(f"/api/rejected?{query}")
        assert status == 200, said
        return [one["reason"] for one in said["rejected"]]

    async with asyncio.timeout(10):
        while await reasons("verdict=refused") != ["bad-body", "wrong-signature"]:
            pass
    assert await reasons("verdict=wrong-signature&source=shop&since=1h") == ["wrong-signature"]
    assert await reasons("text=TEA") == ["bad-body"]
    assert await reasons("limit=1") == ["bad-body"]
    assert await reasons("source=other") == []
    assert await reasons("until=1h") == []
    assert await reasons("type=order.*") == []
