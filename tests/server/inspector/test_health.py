"""Adapter: what machines ask."""

import asyncio

from tests.patience import PATIENCE_S
from tests.whole.shop import ORDER, REFUND


async def test_health_is_told_without_a_token(agent):
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        async with agent.http.get(agent.base + path) as answer:
            assert answer.status == 200
            assert (await answer.json())["status"] == status


async def test_metrics_are_counted_and_need_the_token(agent):
    await agent.settled(ORDER)
    await agent.post(ORDER)
    await agent.settled(REFUND)

    async with asyncio.timeout(PATIENCE_S):
        text = ""
        while "hookagent_dead_letters_total 1.0" not in text:  # counted just after it is on disk
            text = await agent.text("/metrics")

    for line in (
        'hookagent_events_received_total{source="shop",verdict="accepted"} 2.0',
        'hookagent_duplicates_total{source="shop"} 1.0',
        'hookagent_rule_matches_total{rule="big"} 1.0',
        'hookagent_runs{state="dead"} 1.0',
    ):
        assert line in text
    assert 'hookagent_last_event_timestamp_seconds{source="shop"}' in text
    async with agent.http.get(agent.base + "/metrics") as answer:
        assert answer.status == 401
