"""Adapter: the one door, with the fake ngrok behind it."""

from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hookagent.errors import NotFound
from hookagent.tunnel.base import Down, Reconnecting, TunnelEvent, TunnelOptions, Up
from hookagent.tunnel.opening import open_tunnel
from hookagent.tunnel.probe import http_probe
from hookagent.tunnel.supervisor import Policy
from tests.patience import eventually
from tests.tunnel.conftest import is_alive


async def test_a_tunnel_is_announced_after_a_request_came_through_it(
    ngrok_options, fake_ngrok, monkeypatch
):
    asked = []

    async def answer(request):
        asked.append(request.path)
        if request.path.endswith("/n0nce"):
            return web.Response(text="n0nce")
        raise web.HTTPNotFound

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:
        url = str(server.make_url("")).rstrip("/")
        monkeypatch.setenv("FAKE_NGROK_URL", url)
        events: list[TunnelEvent] = []
        handle = await open_tunnel(ngrok_options, url, events.append, probe=http_probe("n0nce"))

        opened = await handle.opened()
        record = fake_ngrok.record
        await handle.stop()
        await handle.stop()

    assert opened == Up(url=url)
    assert "/.well-known/hookagent/n0nce" in asked
    assert handle.name == "ngrok"
    assert not is_alive(record["pid"])


async def test_an_agent_that_dies_is_started_again(ngrok_options, fake_ngrok, monkeypatch):
    monkeypatch.setenv("FAKE_NGROK", "die")
    events: list[TunnelEvent] = []
    policy = Policy(first_delay_seconds=0.01)
    handle = await open_tunnel(ngrok_options, "http://127.0.0.1:9", events.append, policy=policy)

    await eventually(lambda: Up in map(type, events))
    fake_ngrok.go_on()
    await eventually(lambda: Reconnecting in map(type, events))
    fake_ngrok.stay()
    await eventually(lambda: sum(isinstance(event, Up) for event in events) >= 2)
    await handle.stop()


async def test_a_refusal_is_what_opened_answers(ngrok_options, fake_ngrok, monkeypatch):
    monkeypatch.setenv("FAKE_NGROK", "inuse")
    events: list[TunnelEvent] = []
    handle = await open_tunnel(ngrok_options, "http://127.0.0.1:9", events.append)

    down = await handle.opened()
    await handle.stop()

    assert isinstance(down, Down)
    assert down.code == "err-ngrok-334"
    assert handle.url is None


async def test_what_is_missing_is_said_as_a_down(ngrok_options, tmp_path):
    options = replace(ngrok_options, environ={"PATH": str(tmp_path)})
    handle = await open_tunnel(options, "http://127.0.0.1:9", lambda event: None)

    down = await handle.opened()
    await handle.stop()

    assert isinstance(down, Down)
    assert down.code == "no-agent"


async def test_an_unknown_provider_is_refused_with_the_nearest_name():
    with pytest.raises(NotFound) as refused:
        await open_tunnel(TunnelOptions(provider="ngrock"), "http://l", lambda event: None)

    assert "ngrok" in (refused.value.hint or "")
