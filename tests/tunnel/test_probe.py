"""Adapter: proof that an address leads to this listener."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hookagent.tunnel.probe import INSPECTOR_MARK, PROBE_PATH, http_probe, judge, new_nonce
from hookagent.tunnel.supervisor import Reached


@pytest.fixture
async def site():
    """Start an application on a free port and give its URL."""
    servers = []

    async def start(**answers):
        async def answer(request):
            found = answers.get(request.path.rpartition("/")[2])
            if found is None:
                raise web.HTTPNotFound
            status, text, headers = found
            return web.Response(status=status, text=text, headers=headers)

        app = web.Application()
        app.router.add_get("/{path:.*}", answer)
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        return str(server.make_url("")).rstrip("/")

    yield start
    for server in servers:
        await server.close()


async def test_the_listener_that_knows_the_nonce_is_ours(site):
    url = await site(abc=(200, "abc\n", {}))

    assert await http_probe("abc")(url) is Reached.OURS


async def test_another_hookagent_is_not_ours(site):
    url = await site(abc=(200, "abc", {}))

    assert await http_probe("xyz")(url) is Reached.OTHER


async def test_an_inspector_is_recognised(site):
    url = await site(abc=(403, "", {INSPECTOR_MARK: "1"}))

    assert await http_probe("abc")(url) is Reached.INSPECTOR


async def test_a_dead_address_is_nothing():
    assert await http_probe("abc")("http://127.0.0.1:9") is Reached.NOTHING
    assert await http_probe("abc")("http://no-such-name.invalid") is Reached.NOTHING


def test_a_gateways_error_may_pass_and_a_page_may_not():
    assert judge(502, b"Bad Gateway", "abc") is Reached.NOTHING
    assert judge(200, b"<html>You are about to visit", "abc") is Reached.OTHER
    assert judge(404, b"", "abc") is Reached.OTHER


def test_a_nonce_is_long_and_new():
    assert len(new_nonce()) == 32
    assert new_nonce() != new_nonce()


def test_the_path_is_the_one_the_listener_serves():
    assert PROBE_PATH == "/.well-known/hookagent/"
