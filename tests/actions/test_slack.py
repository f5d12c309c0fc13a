"""Adapter: Slack by webhook and by token, in the shapes it documents."""

import json

import pytest
from aiohttp import web

from hookagent.actions.registry import bind
from hookagent.environment import Environment
from hookagent.errors import ConfigError
from hookagent.job import Again, Done, Never
from tests.actions.conftest import act


async def test_a_webhook_gets_the_text_with_values_that_mention_nobody(outside, serve):
    seen = []

    async def answer(request):
        seen.append(await request.json())
        return web.Response(text="ok")

    url = await serve(answer)
    outcome = await act(
        "slack", {"url": url, "text": "*{{ a }}* <b>"}, outside, {"a": "<!channel> & <http://x|y>"}
    )

    assert isinstance(outcome, Done)
    assert seen == [{"text": "*&lt;!channel&gt; &amp; &lt;http://x|y&gt;* <b>"}]


async def test_a_bot_posts_to_a_channel_and_keeps_the_threads_name(outside, serve):
    seen = []

    async def answer(request):
        seen.append((request.headers["Authorization"], await request.json()))
        return web.json_response({"ok": True, "ts": "1.2", "channel": "C1"})

    options = {
        "api": await serve(answer),
        "token": "${TOKEN}",
        "channel": "#alerts",
        "text": "x",
        "thread": "{{ steps.first.output.ts | default('0.1') }}",
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "{{ a }}"}}],
    }
    outcome = await act("slack", options, outside, {"a": 1})

    assert outcome == Done({"ts": "1.2", "channel": "C1"})
    authorization, body = seen[0]
    assert authorization == "Bearer s3cr3t-t0ken"
    assert body["channel"] == "#alerts"
    assert body["thread_ts"] == "0.1"
    assert json.dumps(body["blocks"]) == json.dumps(
        [{"type": "section", "text": {"type": "mrkdwn", "text": 1}}]
    )


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"ok": False, "error": "ratelimited"}, Again),
        (200, {"ok": False, "error": "internal_error"}, Again),
        (200, {"ok": False, "error": "channel_not_found"}, Never),
        (200, {"ok": False, "error": "invalid_auth"}, Never),
        (429, {"ok": False, "error": "ratelimited"}, Again),
        (404, "channel_not_found", Never),
        (410, "channel_is_archived", Never),
        (500, "rollup_error", Again),
    ],
)
async def test_slacks_errors_are_sorted(outside, serve, status, body, kind):
    async def answer(_request):
        if isinstance(body, dict):
            return web.json_response(body, status=status, headers={"Retry-After": "30"})
        return web.Response(text=body, status=status)

    outcome = await act("slack", {"url": await serve(answer), "text": "x"}, outside)

    assert isinstance(outcome, kind)
    if status == 429:
        assert isinstance(outcome, Again)
        assert outcome.retry_after_ms == 30_000


@pytest.mark.parametrize(
    "options",
    [
        {"text": "x"},
        {"text": "x", "url": "https://a.test", "token": "t" * 8, "channel": "c"},
        {"text": "x", "token": "t" * 8},
        {"text": "x", "url": "https://a.test", "channel": "c"},
    ],
)
def test_it_is_either_a_webhook_or_a_token_with_a_channel(options):
    with pytest.raises(ConfigError, match=r"either|together"):
        bind("slack", options, Environment({}))
