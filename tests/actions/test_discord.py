"""Adapter: Discord's webhook in the shape it documents."""

from aiohttp import web

from hookagent.job import Again, Done, Never
from tests.actions.conftest import act


async def test_a_message_mentions_nobody_and_its_id_is_kept(outside, serve):
    seen = []

    async def answer(request):
        seen.append((request.query_string, await request.json()))
        return web.json_response({"id": "9", "channel_id": "8", "content": "…"})

    outcome = await act(
        "discord",
        {
            "url": await serve(answer),
            "text": "**{{ a }}**",
            "username": "bot",
            "embeds": [{"title": "{{ a }}"}],
        },
        outside,
        {"a": "@everyone [x](http://y) `z`"},
    )

    assert outcome == Done({"id": "9", "channel_id": "8"})
    query, body = seen[0]
    assert query == "wait=true"
    assert body["allowed_mentions"] == {"parse": []}
    assert body["content"] == "**@\u200beveryone \\[x\\]\\(http://y\\) \\`z\\`**"
    assert body["username"] == "bot"


async def test_a_rate_limit_is_told_in_the_body_with_fractions(outside, serve):
    async def answer(_request):
        return web.json_response({"message": "slow", "retry_after": 1.337}, status=429)

    outcome = await act("discord", {"url": await serve(answer), "text": "x"}, outside)

    assert isinstance(outcome, Again)
    assert outcome.retry_after_ms == 1337


async def test_a_deleted_webhook_is_for_good(outside, serve):
    async def answer(_request):
        return web.json_response({"code": 10015, "message": "Unknown Webhook"}, status=404)

    assert isinstance(
        await act("discord", {"url": await serve(answer), "text": "x"}, outside), Never
    )


async def test_a_long_text_is_cut(outside, echo):
    await act("discord", {"url": echo.url + "/?a=1", "text": "{{ a }}"}, outside, {"a": "x" * 5000})

    request, body = echo.seen[0]
    assert request.query_string == "a=1&wait=true"
    assert len(body) < 2200
