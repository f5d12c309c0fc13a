"""The history of the overview: what just happened and what is stored, as one."""

import asyncio
from typing import Any

from tests.patience import PATIENCE_S
from tests.whole.shop import ORDER, REFUND, SMALL


async def test_what_just_happened_is_counted_before_it_is_stored(agent):
    for payload in (ORDER, SMALL, REFUND):
        await agent.settled(payload)

    found: dict[str, Any] = {}
    dead: dict[str, int] = {}
    async with asyncio.timeout(PATIENCE_S):
        while dead != {"big": 0, "refund": 1}:  # counted just after it is on disk
            status, found = await agent.get("/api/statistics?since=1h")
            assert status == 200
            dead = {row["name"]: row["counts"].get("dead", 0) for row in found["rules"]}

    (shop,) = found["sources"]
    assert shop["counts"]["accepted"] == 3
    assert shop["times"]["answer"]["count"] == 3
    assert {row["name"] for row in found["types"]} == {"shop/order.paid", "shop/refund.made"}
    assert sum(found["total"]["bars"]["done"]) == 1
    assert "not.there" in next(iter(found["actions"][0]["causes"]))


async def test_it_is_of_the_stretch_and_the_source_that_were_asked_for(agent):
    await agent.settled(ORDER)

    _, before = await agent.get("/api/statistics?since=2h&until=1h")
    _, other = await agent.get("/api/statistics?source=none")

    assert before["sources"] == other["sources"] == []


async def test_a_stretch_that_is_none_is_refused(agent):
    for wrong in ("since=1h&until=2h", "since=soon"):
        status, said = await agent.get(f"/api/statistics?{wrong}")
        assert (status, said["error"]) == (422, "wrong-request")
