"""The agent at a glance."""

from hookagent.server.inspector.overview import bars
from hookagent.store.base import SourceStats, StoreStats
from tests.server.inspector.conftest import ORDER, REFUND


def stats(*events):
    sources = [
        SourceStats(source="a", events=n, duplicates=0, rejected=0, last_received_at=1)
        for n in events
    ]
    return StoreStats(
        events=0, runs={}, unrouted=0, oldest_unrouted_at=0, size_bytes=0, sources=sources
    )


def test_counts_since_become_counts_between():
    assert bars([stats(9), stats(5), stats(5), stats(1)])["a"].events == [4, 0, 4, 1]


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
