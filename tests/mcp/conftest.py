"""A project with a store that has events in it, and the SDK's own client at the other end."""

import json
import sys
from contextlib import asynccontextmanager

import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client

from hookagent.config.load import load
from hookagent.mcp.desk import Desk
from hookagent.store.registry import open_store
from tests.cli.conftest import folder, seed
from tests.cli.workbench import NOW

__all__ = ["folder", "seed"]

RULE = """
[rule.big]
about = "A big order"
on = "shop/order.*"

[rule.big.when]
amount = { gt = 100 }

[[rule.big.do]]
action = "log"
text = "{{ id }}"

[[rule.big.test]]
payload = { id = "o-1", amount = 200 }
source = "shop"
type = "order.paid"
"""


@pytest.fixture
def project(seed):
    """Give a project with two sources and a rule."""
    rules = seed.folder / "rules"
    rules.mkdir()
    (rules / "big.toml").write_text(RULE)
    seed.config = load(seed.folder / "hookagent.toml", environ={}, cwd=seed.folder)
    return seed


@pytest.fixture
def desk(project):
    """Return how to ask the desk: opens the store for one question."""

    @asynccontextmanager
    async def opened():
        store = open_store(project.config.store.url, project.config.state_folder, mode="tool")
        await store.open()
        try:
            yield Desk(project.config, store, lambda: NOW)
        finally:
            await store.close()

    return opened


@asynccontextmanager
async def client(folder, *options):
    """Run the server as a client does, and speak to it with the SDK."""
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "hookagent", "mcp", *options],
        cwd=str(folder),
    )
    async with (
        stdio_client(parameters) as (reading, writing),
        ClientSession(reading, writing) as session,
    ):
        await session.initialize()
        yield session


def inside(text):
    """Return what stands behind the fence of an answer."""
    assert text.count("<untrusted-") == 1
    body = text.partition(">\n")[2].rpartition("\n</untrusted-")[0]
    assert "<" not in body
    return json.loads(body)
