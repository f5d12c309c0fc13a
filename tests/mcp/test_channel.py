"""Adapter: which events a session is told of, and how."""

import asyncio
import re

from hookagent.mcp.channel import Push, notices
from hookagent.store.base import EventFilter
from tests.mcp.conftest import inside
from tests.patience import PATIENCE_S


def told(desk, push, count, after=0):
    async def go():
        async with desk() as one:
            found = []
            async with asyncio.timeout(PATIENCE_S):
                async for notice in notices(one, push, after):
                    found.append(notice)
                    if len(found) == count:
                        return found
        return found

    return asyncio.run(go())


def test_events_are_told_in_the_order_they_came(project, desk):
    project.events({"id": "1", "type": "a"}, {"id": "2", "type": "b"})

    found = told(desk, Push(), 2)

    assert [inside(one.content)["body"]["id"] for one in found] == ["1", "2"]
    assert all(re.fullmatch(r"[A-Za-z0-9_]+", key) for one in found for key in one.meta)
    assert found[0].meta["webhook"] == "shop"


def test_only_what_was_asked_for_is_told(project, desk):
    project.events({"id": "1", "type": "a"}, {"id": "2", "type": "b"}, {"id": "3", "type": "b"})

    found = told(desk, Push(wanted=EventFilter(type="b")), 2)

    assert [inside(one.content)["body"]["id"] for one in found] == ["2", "3"]


def test_what_came_before_is_not_told(project, desk):
    project.events({"id": "1", "type": "a"})

    async def newest():
        async with desk() as one:
            return await one.newest()

    after = asyncio.run(newest())
    project.events({"id": "2", "type": "a"})

    assert [inside(one.content)["body"]["id"] for one in told(desk, Push(), 1, after)] == ["2"]
