"""Adapter: GitHub's REST API in the shapes it documents, from a server of our own."""

import json

import pytest
from aiohttp import web

from hookagent.actions.registry import bind
from hookagent.environment import Environment
from hookagent.errors import ConfigError
from hookagent.job import Again, Done, Never
from tests.actions.conftest import NOW, act, call_of


class FakeGitHub:
    """Keeps issues and comments, and answers as GitHub does."""

    def __init__(self):
        self.entries = []
        self.calls = []
        self.fail_after_creating = False
        self.url = ""

    async def answer(self, request):
        body = await request.json() if request.can_read_body else {}
        self.calls.append((request.method, request.path, body, dict(request.headers)))
        if request.method == "GET":
            return web.json_response(self.entries[:100])
        if request.path.endswith("/dispatches"):
            return web.Response(status=204)
        entry = {
            "id": 1,
            "number": len(self.entries) + 1,
            "html_url": "https://github.test/1",
            "body": body.get("body"),
            "user": {"login": "x"},
        }
        self.entries.append(entry)
        if self.fail_after_creating:
            self.fail_after_creating = False
            return web.Response(status=502)
        return web.json_response(entry, status=201)


@pytest.fixture
async def github(serve):
    fake = FakeGitHub()
    fake.url = await serve(fake.answer)
    return fake


def options_of(github, do, **more):
    return {"do": do, "api": github.url, "repository": "{{ r }}", "token": "${TOKEN}", **more}


REPOSITORY = {"r": "ada/engine"}


async def test_an_issue_is_opened_with_a_mark_only_we_see(outside, github):
    options = options_of(github, "issue", title="{{ t }}", body="**{{ t }}**", labels=["bug"])

    outcome = await act("github", options, outside, {**REPOSITORY, "t": "@ada <x>"})

    assert outcome == Done({"number": 1, "id": 1, "html_url": "https://github.test/1"})
    method, path, body, headers = github.calls[0]
    assert (method, path) == ("POST", "/repos/ada/engine/issues")
    assert body == {
        "title": "@ada <x>",
        "body": "**@\u200bada \\<x\\>**\n\n<!-- hookagent run_1-0 -->",
        "labels": ["bug"],
    }
    assert headers["Authorization"] == "Bearer s3cr3t-t0ken"
    assert headers["X-GitHub-Api-Version"] == "2022-11-28"


async def test_a_second_try_finds_what_the_first_has_made(outside, github):
    github.fail_after_creating = True
    options = options_of(github, "issue", title="x")

    first = await act("github", options, outside, REPOSITORY)
    second = await act("github", options, outside, REPOSITORY, call=call_of(attempt=2))

    assert isinstance(first, Again)
    assert second == Done({"number": 1, "id": 1, "html_url": "https://github.test/1"})
    assert [call[0] for call in github.calls] == ["POST", "GET"]


async def test_a_second_try_that_finds_nothing_makes_it(outside, github):
    github.entries.append({"number": 7, "body": None})

    outcome = await act(
        "github",
        options_of(github, "issue", title="x"),
        outside,
        REPOSITORY,
        call=call_of(attempt=2),
    )

    assert isinstance(outcome, Done)
    assert [call[0] for call in github.calls] == ["GET", "POST"]


async def test_a_comment_a_label_and_a_dispatch_go_where_they_belong(outside, github):
    payload = {**REPOSITORY, "n": 5, "t": "deploy"}

    await act(
        "github", options_of(github, "comment", number="{{ n }}", body="hi"), outside, payload
    )
    await act(
        "github",
        options_of(github, "label", number="{{ n }}", labels=["{{ t }}"]),
        outside,
        payload,
    )
    outcome = await act(
        "github",
        options_of(github, "dispatch", event_type="{{ t }}", payload={"n": "{{ n }}"}),
        outside,
        payload,
    )

    assert outcome == Done({"status": 204})
    assert [(path, body) for _, path, body, _ in github.calls] == [
        ("/repos/ada/engine/issues/5/comments", {"body": "hi\n\n<!-- hookagent run_1-0 -->"}),
        ("/repos/ada/engine/issues/5/labels", {"labels": ["deploy"]}),
        ("/repos/ada/engine/dispatches", {"event_type": "deploy", "client_payload": {"n": 5}}),
    ]


LIMIT_RESET = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(NOW // 1000 + 90)}


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (403, {"Retry-After": "60"}, (Again, 60_000)),
        (403, LIMIT_RESET, (Again, 90_000)),
        (429, {}, (Again, None)),
        (403, {"X-RateLimit-Remaining": "59"}, (Never, None)),
        (404, {}, (Never, None)),
        (410, {}, (Never, None)),
        (422, {}, (Never, None)),
        (503, {}, (Again, None)),
    ],
)
async def test_githubs_answers_are_sorted(outside, serve, status, headers, expected):
    async def answer(_request):
        return web.json_response({"message": "said"}, status=status, headers=headers)

    options = {"do": "issue", "repository": "a/b", "token": "t" * 8, "title": "x"}

    outcome = await act("github", {**options, "api": await serve(answer)}, outside)

    assert (type(outcome), getattr(outcome, "retry_after_ms", None)) == expected


@pytest.mark.parametrize("value", ["../x", "a/..", "a/b/c", "a", "a/b?x", "a/b#", "", "a b/c"])
async def test_a_value_that_is_no_repository_is_refused(outside, github, value):
    outcome = await act("github", options_of(github, "issue", title="x"), outside, {"r": value})

    assert isinstance(outcome, Never)
    assert github.calls == []


async def test_a_value_that_is_no_number_is_refused(outside, github):
    options = options_of(github, "label", number="{{ n }}", labels=["x"])

    outcome = await act("github", options, outside, {**REPOSITORY, "n": "1/../2"})

    assert isinstance(outcome, Never)
    assert github.calls == []


@pytest.mark.parametrize("do", ["issue", "comment", "label", "dispatch"])
def test_what_each_deed_needs_is_told(do):
    with pytest.raises(ConfigError, match="is needed"):
        bind("github", {"do": do, "repository": "a/b", "token": "t"}, Environment({}))


def test_the_token_is_masked_in_a_dry_run():
    from tests.actions.conftest import scope_of

    step = bind(
        "github",
        {"do": "issue", "repository": "a/b", "token": "${T}", "title": "x"},
        Environment({"T": "t0ken-of-ours"}),
    )

    assert "t0ken-of-ours" not in json.dumps(step.describe(step.prepare(scope_of())))
