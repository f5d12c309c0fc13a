"""Adapter: the very bytes go on; what must stay behind stays."""

import pytest
from aiohttp import web

from hookagent.actions.forward import passed_on
from hookagent.actions.registry import bind
from hookagent.environment import Environment
from hookagent.event import Headers
from hookagent.job import Again, Done, Never
from hookagent.template import TemplateError
from tests.actions.conftest import act, call_of, event_of, scope_of

CAME = {
    "Host": "public.test",
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": "9",
    "Connection": "close, X-Private",
    "X-Private": "1",
    "Transfer-Encoding": "chunked",
    "Authorization": "Basic abc",
    "Cookie": "a=b",
    "X-Forwarded-For": "192.0.2.1",
    "Forwarded": "for=192.0.2.1",
    "X-Hub-Signature-256": "sha256=00",
    "X-Secret-Token": "t",
    "X-GitHub-Event": "push",
    "X-Hookagent-Hop": "1",
}


def names(headers):
    return {name for name, _ in headers.items()}


def test_to_this_machine_signatures_go_along_and_credentials_do_not():
    assert names(passed_on(Headers.of(CAME), [], is_here=True)) == {
        "Content-Type",
        "X-Hub-Signature-256",
        "X-Secret-Token",
        "X-GitHub-Event",
    }


def test_beyond_this_machine_signatures_and_tokens_stay_behind():
    assert names(passed_on(Headers.of(CAME), [], is_here=False)) == {
        "Content-Type",
        "X-GitHub-Event",
    }


def test_what_is_listed_goes_along_but_never_what_belongs_to_the_connection():
    kept = passed_on(
        Headers.of(CAME), ["authorization", "x-hub-signature-256", "host"], is_here=False
    )

    assert names(kept) == {
        "Content-Type",
        "X-GitHub-Event",
        "Authorization",
        "X-Hub-Signature-256",
    }


async def test_the_body_arrives_byte_for_byte(outside, echo):
    body = b'{ "a":\t1,  "\xff": "\\u0000" }\n'

    outcome = await act("forward", {"url": echo.url + "/in"}, outside, body=body, headers=CAME)

    request, seen = echo.seen[0]
    assert seen == body
    assert (request.method, request.raw_path) == ("POST", "/in")
    assert request.headers["X-Hub-Signature-256"] == "sha256=00"
    assert request.headers["X-Hookagent-Event"] == "evt_1"
    assert request.headers["X-Hookagent-Hop"] == "2"
    assert request.headers["Idempotency-Key"] == "run_1-0"
    assert request.headers["Host"] != "public.test"
    assert isinstance(outcome, Done)
    assert outcome.output["status"] == 200


async def test_the_events_own_path_and_query_may_follow(outside, echo):
    await act(
        "forward",
        {"url": echo.url + "/base/", "keep_path": True},
        outside,
        target="/hooks/%41?x=%20&y",
        method="PUT",
    )

    request, _ = echo.seen[0]
    assert (request.method, request.raw_path) == ("PUT", "/base/hooks/%41?x=%20&y")


@pytest.mark.parametrize("target", ["/../admin", "/a/%2e%2E/b", "/./x"])
def test_a_path_that_climbs_is_refused(target):
    step = bind("forward", {"url": "http://127.0.0.1:1/base", "keep_path": True}, Environment({}))

    with pytest.raises(TemplateError, match="climb"):
        step.prepare(scope_of(target=target))


async def test_it_is_signed_anew_when_asked(outside, echo):
    sign = {"scheme": "github", "secret": "${SECRET}"}

    await act("forward", {"url": echo.url, "sign": sign}, outside, body=b"{}", headers=CAME)

    signatures = echo.seen[0][0].headers.getall("X-Hub-Signature-256")
    assert len(signatures) == 1
    assert signatures != ["sha256=00"]


async def test_added_fields_take_the_place_of_those_that_came(outside, echo):
    options = {"url": echo.url, "headers": {"x-github-event": "other", "X-Key": "${TOKEN}"}}

    await act("forward", options, outside, headers=CAME)

    headers = echo.seen[0][0].headers
    assert headers.getall("X-GitHub-Event") == ["other"]
    assert headers["X-Key"] == "s3cr3t-t0ken"


async def test_several_targets_each_get_it_and_only_those_missing_get_it_again(
    outside, serve, echo
):
    tries = []

    async def flaky(_request):
        tries.append(1)
        return web.Response(status=503 if len(tries) == 1 else 200)

    options = {"url": [echo.url, await serve(flaky)]}

    first = await act("forward", options, outside)
    assert isinstance(first, Again)
    assert [answer["done"] for answer in first.output["targets"]] == [True, False]

    second = await act("forward", options, outside, call=call_of(attempt=2, earlier=first.output))

    assert isinstance(second, Done)
    assert (len(echo.seen), len(tries)) == (1, 2)
    assert [answer["status"] for answer in second.output["targets"]] == [200, 200]


async def test_one_target_that_refuses_for_good_does_not_stop_the_others(outside, serve, echo):
    async def refuse(_request):
        return web.Response(status=410)

    outcome = await act("forward", {"url": [await serve(refuse), echo.url]}, outside)

    assert isinstance(outcome, Never)
    assert len(echo.seen) == 1


async def test_an_event_that_went_round_is_not_sent_on(outside, echo):
    event = event_of(headers={"X-Hookagent-Hop": "3"})

    outcome = await act(
        "forward", {"url": echo.url}, outside, call=call_of(event), headers={"X-Hookagent-Hop": "3"}
    )

    assert isinstance(outcome, Never)
    assert "loop" in outcome.error
    assert echo.seen == []
