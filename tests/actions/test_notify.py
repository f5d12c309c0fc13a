"""Adapter: Apprise against a service of our own, by its `json://` scheme."""

import json

import pytest
from aiohttp import web

from hookagent.actions.registry import bind
from hookagent.environment import Environment
from hookagent.errors import ConfigError
from hookagent.job import Again, Done, Never
from tests.actions.conftest import act, call_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Apprise's own imports


def address(url):
    return url.replace("http://", "json://")


async def test_a_message_is_sent(outside, echo):
    options = {"url": address(echo.url), "title": "{{ t }}", "text": "{{ x }}", "kind": "warning"}

    outcome = await act("notify", options, outside, {"t": "Low", "x": "3 left"})

    assert isinstance(outcome, Done)
    body = json.loads(echo.seen[0][1])
    assert (body["title"], body["message"], body["type"]) == ("Low", "3 left", "warning")
    assert outcome.output["sent"][0]["status"] == "success"


async def test_only_those_that_failed_get_it_again(outside, serve, echo):
    tries = []

    async def flaky(_request):
        tries.append(1)
        return web.Response(status=500 if len(tries) == 1 else 200)

    options = {"urls": [address(echo.url), address(await serve(flaky))], "text": "x"}

    first = await act("notify", options, outside)
    assert isinstance(first, Again)
    second = await act("notify", options, outside, call=call_of(attempt=2, earlier=first.output))

    assert isinstance(second, Done)
    assert (len(echo.seen), len(tries)) == (1, 2)


async def test_an_address_with_a_password_is_not_shown(outside, serve):
    async def refuse(_request):
        return web.Response(status=500)

    url = address(await serve(refuse)).replace("://", "://user:s3cr3t-t0ken@")

    outcome = await act("notify", {"url": url, "text": "x"}, outside)

    assert isinstance(outcome, Again)
    assert "s3cr3t" not in str(outcome)


async def test_an_address_nobody_understands_is_for_good(outside):
    outcome = await act("notify", {"url": "nonsense://x", "text": "x"}, outside)

    assert isinstance(outcome, Never)
    assert "address 1" in outcome.error


@pytest.mark.parametrize("url", ["file:///etc/passwd", "config://x", "FILE:///x"])
def test_an_address_that_reads_files_is_a_problem(url):
    with pytest.raises(ConfigError, match="reads files"):
        bind("notify", {"url": url, "text": "x"}, Environment({}))


def test_it_needs_an_address():
    with pytest.raises(ConfigError, match="give `url`"):
        bind("notify", {"text": "x"}, Environment({}))
