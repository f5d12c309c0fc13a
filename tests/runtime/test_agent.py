"""Adapter: an agent starts its parts in order and leaves nothing behind, however far it came."""

import asyncio
from urllib.parse import urljoin

import aiohttp
import pytest

from hookagent.config.load import load
from hookagent.errors import ConfigError
from hookagent.pipeline.feed import Feed
from hookagent.runtime import Agent, Choices
from tests.whole.served import write_project

RULE = """
[rule.hello]
[[rule.hello.do]]
action = "log"
text = "hello"
"""


def made(folder, rules=RULE, **choices):
    write_project(folder, rules=rules)
    config = load(folder / "hookagent.toml", environ={}, cwd=folder)
    return Agent(config, Feed(), Choices(watch_rules=False, **choices))


async def test_it_starts_stops_and_starts_again(tmp_path):
    before = asyncio.all_tasks()
    for _ in range(2):
        agent = made(tmp_path / "project")
        await agent.start()
        health = urljoin(agent.inspector_url or "", "/healthz")
        async with (
            aiohttp.ClientSession() as http,
            http.get(health) as answer,
        ):
            assert answer.status == 200
        await agent.stop()
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == before


async def test_rules_that_do_not_hold_end_the_start_and_leave_the_store_free(tmp_path):
    broken = made(tmp_path / "project", rules='[rule.x]\n[[rule.x.do]]\naction = "logg"\n')
    with pytest.raises(ConfigError):
        await broken.start()

    agent = made(tmp_path / "project")
    await agent.start()  # nobody holds the store or a port
    await agent.stop()


async def test_without_an_inspector_there_is_one_port(tmp_path):
    agent = made(tmp_path / "project", with_inspector=False)
    await agent.start()
    try:
        assert agent.inspector_url is None
    finally:
        await agent.stop()
