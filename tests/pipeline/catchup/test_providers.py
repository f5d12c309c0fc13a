"""Adapter: each provider's log over real HTTP, in its documented shape."""

import json

import pytest
from aiohttp import web

from hookagent.errors import AnswerNo, NotFound, OutsideError, UsageError
from hookagent.pipeline.catchup.providers import Account, kind_of, log_of
from tests.pipeline.catchup.provider import HOUR, NOW, GitHubApi, StripeApi, SvixApi


async def entries(log, since):
    return [entry async for entry in log.entries(since)]


@pytest.fixture
def opened(config, outside):
    def open_log(source, **account):
        return log_of(config, config.sources[source], Account(**account), outside)

    return open_log


async def test_github_lists_each_event_once_over_all_pages_until_it_is_too_old(opened, serve):
    api = GitHubApi(page=2)
    api.add("g-old", {}, at=NOW - 9 * HOUR)
    api.add("g-1", {"action": "opened"}, at=NOW - 3 * HOUR, code=502)
    api.add("g-1", {"action": "opened"}, at=NOW - 2 * HOUR, code=500)
    api.add("g-2", {"action": "closed"}, at=NOW - HOUR, code=200)
    api.add("g-3", {"ref": "x"}, at=NOW, event="push")

    async with opened("github", base=await serve(api.answer), repository="octo/hello") as log:
        found = await entries(log, NOW - 5 * HOUR)

    assert [(one.id, one.type) for one in found] == [
        ("g-3", "push"), ("g-2", "issues.closed"), ("g-1", "issues.opened"),
    ]  # fmt: skip
    assert found[2].status == "500 failed to connect"
    assert all("elsewhere" not in path for _, path in api.asked)


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_github_s_bytes_are_found_again_by_their_signature(opened, serve, ascii_only):
    api = GitHubApi()
    payload = {"action": "opened", "title": "Ärger & <b>"}
    body = json.dumps(payload, separators=(",", ":"), ensure_ascii=ascii_only).encode()
    api.add("g-1", payload, body=body)

    async with opened("github", base=await serve(api.answer), repository="octo/hello") as log:
        (entry,) = await entries(log, 0)
        request = await log.request(entry)
        await log.redeliver(entry)

    assert request.body == body
    assert request.headers.text("X-GitHub-Event") == "issues"
    assert "Accept" not in request.headers
    assert api.attempts == ["g-1"]


async def test_github_s_hook_is_found_by_where_it_leads_or_named(opened, serve):
    api = GitHubApi()
    url = await serve(api.answer)

    async with opened("github", base=url, repository="octo/hello"):
        assert api.asked == [("GET", "/repos/octo/hello/hooks?per_page=100")]
    async with opened("github", base=url, repository="octo/hello", hook="42"):
        assert len(api.asked) == 1
    with pytest.raises(UsageError, match="either --repo"):
        async with opened("github", base=url):
            pass
    with pytest.raises(UsageError, match="is not a repository"):
        async with opened("github", base=url, repository="hello"):
            pass


async def test_a_refusal_is_said_in_the_provider_s_words(opened, serve):
    url = await serve(GitHubApi().answer)

    with pytest.raises(OutsideError, match="does not know the token: Bad credentials"):
        async with opened("github", base=url, repository="octo/hello", token="bad"):
            pass
    with pytest.raises(NotFound, match="has nothing there"):
        async with opened("github", base=url, repository="octo/other"):
            pass


async def test_stripe_lists_whole_events_over_all_pages(opened, serve):
    api = StripeApi()
    for number in range(25):
        api.add(number, at=NOW + number * 1000)

    async with opened("pay", base=await serve(api.answer)) as log:
        found = await entries(log, NOW + 3000)
        request = await log.request(found[-1])
        with pytest.raises(AnswerNo, match="no interface"):
            await log.redeliver(found[0])

    assert [one.id for one in found] == [f"evt_{number}" for number in range(24, 2, -1)]
    assert json.loads(request.body)["id"] == "evt_3"
    assert found[0].status == "1 pending"
    assert len(api.asked) == 2


async def test_a_page_too_long_to_be_read_whole_is_asked_for_in_parts(opened, serve):
    api = StripeApi()
    for number in range(12):
        api.add(number, padding="x" * 200_000)

    async with opened("pay", base=await serve(api.answer)) as log:
        found = await entries(log, 0)

    assert len(found) == 12


async def test_svix_lists_messages_and_sends_them_again(opened, serve):
    api = SvixApi(page=2)
    for number in range(5):
        api.add(number, {"user": number}, at=NOW + number)
    account = {"app": "app_1", "endpoint": "ep_1"}

    async with opened("users", base=await serve(api.answer), **account) as log:
        found = await entries(log, NOW + 1)
        request = await log.request(found[0])
        await log.redeliver(found[0])

    assert [one.id for one in found] == ["msg_4", "msg_3", "msg_2", "msg_1"]
    assert request.headers.text("svix-id") == "msg_4"
    assert request.body == b'{"user":4}'
    assert api.resent == ["/api/v1/app/app_1/msg/msg_4/endpoint/ep_1/resend"]


async def test_a_busy_provider_is_waited_for(opened, serve):
    answers = [
        web.Response(status=429, headers={"Retry-After": "0"}),
        web.Response(status=503, headers={"Retry-After": "0"}),
    ]
    api = StripeApi()

    async def answer(request):
        return answers.pop() if answers else await api.answer(request)

    async with opened("pay", base=await serve(answer)) as log:
        assert await entries(log, 0) == []


@pytest.mark.parametrize("body", [b"[]", b'{"data": 3}', b'{"data": [{}]}', b"<html>", b'"x"'])
async def test_an_answer_that_is_not_as_documented_is_said(opened, serve, body):
    async def answer(_request):
        return web.Response(body=body)

    url = await serve(answer)

    for source, account in (("pay", {}), ("users", {"app": "a"})):
        async with opened(source, base=url, **account) as log:
            with pytest.raises(OutsideError):
                await entries(log, 0)


def test_sources_without_a_log_are_told_why(config):
    assert kind_of(config.sources["users"]) == "svix"
    with pytest.raises(AnswerNo, match="Shopify keeps no list"):
        kind_of(config.sources["shop"])
    with pytest.raises(AnswerNo, match="not known where"):
        kind_of(config.sources["other"])


async def test_a_token_goes_over_tls_or_to_this_machine_only(opened):
    with pytest.raises(UsageError, match="is not https"):
        async with opened("pay", base="http://api.example.test"):
            pass
