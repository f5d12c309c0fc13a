"""Adapter: refused deliveries with the reason of each."""

import asyncio
from typing import Any

from tests.server.inspector.conftest import ORDER


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
