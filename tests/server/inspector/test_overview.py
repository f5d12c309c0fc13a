"""The agent at a glance."""

from hookagent.server.inspector.overview import bars
from hookagent.store.base import Minute
from tests.whole.shop import ORDER, REFUND


def minute(at, events=0, rejected=0):
    return Minute(source="a", at=at * 60_000, events=events, duplicates=0, rejected=rejected)


def test_minutes_are_added_up_into_bars_the_latest_last():
    found = bars(
        [minute(0, 9), minute(1, 2), minute(5, 3), minute(6, rejected=4), minute(60, 5)],
        60 * 60_000 + 1,
    )

    assert found["a"].events == [5, *[0] * 10, 5]
    assert found["a"].rejected == [0, 4, *[0] * 10]


async def test_the_overview_names_sources_queue_runs_and_rules(agent):
    await agent.settled(ORDER)
    await agent.settled(REFUND)

    _, shown = await agent.get("/api/overview")

    (shop,) = shown["sources"]
    assert shop["url"] == f"{agent.agent.listener_url}/hooks/shop"
    assert shop["verified"] is True
    assert sum(shop["activity"]["events"]) == 2
    assert shop["last_received_at"] > 0
    assert shown["runs"] == {"done": 1, "dead": 1}
    assert shown["queue"]["unrouted"] == 0
    assert [rule["name"] for rule in shown["rules"]] == ["big", "refund"]
    assert shown["tunnel"] == {"provider": "none", "state": "none", "url": None}
