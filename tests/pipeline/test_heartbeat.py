"""The heartbeat goes out while all is well, and says once why it does not get through."""

import pytest
from aiohttp import web

from hookagent.actions.base import Outside
from hookagent.environment import Environment
from hookagent.pipeline.feed import Feed
from hookagent.pipeline.heartbeat import Heartbeat
from hookagent.store.base import StoreUnavailable
from tests.pipeline.conftest import NOW


@pytest.fixture
async def beaten(tmp_path):
    beats = []

    async def beat(request):
        beats.append(request.path)
        return web.Response(status=int(request.query.get("status", "200")))

    application = web.Application()
    application.router.add_get("/{name}", beat)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{port}/beat", beats
    await runner.cleanup()


@pytest.fixture
async def outside(tmp_path):
    made = Outside(folder=tmp_path, state=tmp_path, environment=Environment({}), clock=lambda: NOW)
    yield made
    await made.close()


def heart(url, outside, store):
    return Heartbeat(url, 60_000, (outside, store, Feed()), lambda: NOW)


async def test_a_beat_is_one_request(beaten, outside, store):
    url, beats = beaten

    assert await heart(url, outside, store).beat() == ""
    assert beats == ["/beat"]


async def test_a_refusal_and_a_dead_port_are_said(beaten, outside, store):
    url, _ = beaten

    assert "500" in await heart(f"{url}?status=500", outside, store).beat()
    assert await heart("http://127.0.0.1:1/beat", outside, store).beat() != ""


async def test_without_a_store_there_is_no_beat(beaten, outside, store, monkeypatch):
    url, beats = beaten

    async def gone():
        raise StoreUnavailable("the disk is gone")

    monkeypatch.setattr(store, "next_due", gone)

    assert await heart(url, outside, store).beat() == "the disk is gone"
    assert beats == []
