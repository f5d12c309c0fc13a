"""Adapter: the inspector over real HTTP."""

import aiohttp
import pytest

from hookagent.errors import OutsideError
from hookagent.server.inspector.answers import HEADERS
from hookagent.tunnel.probe import http_probe, new_nonce
from hookagent.tunnel.supervisor import Reached
from tests.server.inspector.conftest import running


async def ask(agent, method="GET", path="/", **headers):
    async with agent.http.request(
        method, agent.base + path, headers=headers, allow_redirects=False
    ) as answer:
        return answer.status, answer.headers, await answer.read()


async def test_the_token_is_swapped_for_a_cookie_and_dropped_from_the_address(agent):
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        async with browser.get(
            f"{agent.base}/?token={agent.token}", allow_redirects=False
        ) as first:
            assert first.status == 303
            assert first.headers["Location"] == "/"
            cookie = first.headers["Set-Cookie"]
        async with browser.get(f"{agent.base}/") as page:
            assert page.status == 200
            assert '<script type="module"' in await page.text()
        async with browser.get(f"{agent.base}/api/events") as events:
            assert events.status == 200

    assert cookie.startswith(f"hookagent-{agent.port}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert agent.token not in cookie


async def test_a_wrong_token_gets_no_cookie_and_no_redirect(agent):
    for query in ("?token=x", "?token=", "?token=x&next=//evil.test"):
        status, headers, _ = await ask(agent, path=f"/{query}")
        assert status == 401
        assert "Set-Cookie" not in headers
        assert "Location" not in headers


async def test_without_a_token_nothing_is_told_and_a_person_is_told_how(agent):
    status, _, body = await ask(agent, path="/api/events")
    assert status == 401
    assert b"hookagent serve" in body
    status, headers, body = await ask(agent, Accept="text/html")
    assert status == 401
    assert headers["Content-Type"].startswith("text/html")


async def test_every_answer_has_the_same_strict_head(agent):
    asked = [
        await ask(agent, path=path, **agent.bearer)
        for path in (
            "/",
            "/api/events",
            "/api/none",
            "/static/page.css",
            "/static/../app.py",
            "/metrics",
        )
    ]
    asked += [
        await ask(agent, path="/"),
        await ask(agent, "POST", "/api/events"),
        await ask(agent, Host="evil.test"),
    ]

    for _, headers, _ in asked:
        for name in HEADERS:
            assert name in headers
        assert headers["X-Hookagent-Inspector"] == "1"
        assert not [name for name in headers if name.lower().startswith("access-control-")]
        assert "require-trusted-types-for 'script'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]


async def test_another_host_is_misdirected_before_anything_is_looked_at(agent):
    status, headers, body = await ask(agent, path=f"/?token={agent.token}", Host="evil.test")

    assert status == 421
    assert "Set-Cookie" not in headers
    assert b"evil" not in body


async def test_a_preflight_gets_no_leave(agent):
    status, headers, _ = await ask(
        agent,
        "OPTIONS",
        "/api/events",
        Origin="http://evil.test",
        **{"Access-Control-Request-Method": "POST"},
    )

    assert status == 405
    assert "Access-Control-Allow-Origin" not in headers


async def test_files_outside_the_page_do_not_exist(agent):
    for path in (
        "/static/..%2f..%2fhookagent.toml",
        "/static/%2e%2e/%2e%2e/runtime.py",
        "/static/",
        "/static/vendor",
    ):
        status, _, _ = await ask(agent, path=path, **agent.bearer)
        assert status == 404


async def test_a_taken_port_is_said_with_what_to_do(tmp_path):
    async with running(tmp_path / "one") as first:
        taken = f"{first.port}"
        (tmp_path / "two").mkdir()
        with pytest.raises(OutsideError, match=taken) as caught:
            async with running(tmp_path / "two", inspector=f"port = {taken}"):
                pass

    assert "--inspector-port" in (caught.value.hint or "")


async def test_an_unchanged_file_is_not_sent_again(agent):
    _, headers, body = await ask(agent, path="/static/page.css", **agent.bearer)
    status, _, again = await ask(
        agent, path="/static/page.css", **agent.bearer, **{"If-None-Match": headers["ETag"]}
    )

    assert body
    assert (status, again) == (304, b"")


async def test_a_token_of_ones_own_stays_from_run_to_run(tmp_path):
    token = "a token/of one's own & 32 characters"
    async with running(tmp_path, inspector=f'port = 0\ntoken = "{token}"') as agent:
        async with agent.http.get(agent.agent.inspector_url, allow_redirects=False) as answer:
            assert answer.status == 303
        status, _, _ = await ask(agent, path="/metrics", Authorization=f"Bearer {token}")

    assert status == 200


async def test_a_tunnel_that_leads_here_is_found_out(agent):
    assert await http_probe(new_nonce())(agent.base) is Reached.INSPECTOR


async def test_the_listener_knows_nothing_of_the_inspector(agent):
    for path in ("/", "/api/events", "/__inspector", "/metrics", f"/?token={agent.token}"):
        async with agent.http.get(agent.agent.listener_url + path, headers=agent.bearer) as answer:
            assert answer.status == 404
            assert "X-Hookagent-Inspector" not in answer.headers
