"""Adapter: one request from templates, at a real server."""

import json

import pytest
from aiohttp import web

from hookagent.actions.registry import bind
from hookagent.environment import Environment
from hookagent.errors import ConfigError
from hookagent.job import Again, Done, Never
from tests.actions.conftest import act, scope_of


async def test_a_json_body_is_sent_with_its_types(outside, echo):
    options = {
        "url": echo.url + "/orders/{{ item }}?note={{ note }}",
        "json": {"item": "{{ item }}", "stock": "{{ stock }}", "all": "{{ nested }}"},
        "headers": {"X-Item": "{{ item }}", "Authorization": "Bearer ${TOKEN}"},
    }
    payload = {"item": "a/b", "stock": 3, "nested": {"x": [None]}, "note": "a&b=c"}

    outcome = await act("http", options, outside, payload)

    assert isinstance(outcome, Done)
    assert outcome.output["json"] == {"ok": True}
    request, body = echo.seen[0]
    assert request.method == "POST"
    assert request.raw_path == "/orders/a%2Fb?note=a%26b%3Dc"
    assert json.loads(body) == {"item": "a/b", "stock": 3, "all": {"x": [None]}}
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["X-Item"] == "a/b"
    assert request.headers["Authorization"] == "Bearer s3cr3t-t0ken"
    assert request.headers["Idempotency-Key"] == "run_1-0"


@pytest.mark.parametrize(
    ("body", "content_type", "sent"),
    [
        ({"text": "hi {{ n }}"}, "text/plain; charset=utf-8", b"hi a&b \xc3\xbc"),
        (
            {"form": {"q": "{{ n }}", "r": "1"}},
            "application/x-www-form-urlencoded",
            b"q=a%26b+%C3%BC&r=1",
        ),
        (
            {"text": "<a>{{ n }}</a>", "headers": {"content-type": "text/xml"}},
            "text/xml",
            b"<a>a&b \xc3\xbc</a>",
        ),
    ],
)
async def test_a_body_may_be_text_or_a_form(outside, echo, body, content_type, sent):
    await act("http", {"url": echo.url, **body}, outside, {"n": "a&b ü"})

    request, seen = echo.seen[0]
    assert request.headers.getall("Content-Type") == [content_type]
    assert seen == sent


async def test_without_a_body_it_is_a_get_without_a_key(outside, echo):
    await act("http", {"url": echo.url}, outside)

    request, body = echo.seen[0]
    assert (request.method, body) == ("GET", b"")
    assert "Idempotency-Key" not in request.headers
    assert "Content-Type" not in request.headers


async def test_a_key_the_rule_names_itself_is_kept(outside, echo):
    options = {"url": echo.url, "method": "POST", "headers": {"idempotency-key": "{{ id }}"}}

    await act("http", options, outside, {"id": "mine"})

    assert echo.seen[0][0].headers.getall("Idempotency-Key") == ["mine"]


async def test_the_key_stays_the_same_on_every_try(outside, serve):
    keys = []

    async def answer(request):
        keys.append(request.headers["Idempotency-Key"])
        return web.Response(status=503 if len(keys) == 1 else 200)

    options = {"url": await serve(answer), "method": "POST"}

    assert isinstance(await act("http", options, outside), Again)
    assert isinstance(await act("http", options, outside), Done)
    assert keys[0] == keys[1]


async def test_a_target_that_asks_for_time_gets_it(outside, serve):
    async def answer(_request):
        return web.Response(status=429, headers={"Retry-After": "7"})

    outcome = await act("http", {"url": await serve(answer)}, outside)

    assert isinstance(outcome, Again)
    assert outcome.retry_after_ms == 7000


async def test_an_expected_status_is_success(outside, serve):
    async def answer(_request):
        return web.Response(status=409)

    url = await serve(answer)

    assert isinstance(await act("http", {"url": url, "expect": [200, 409]}, outside), Done)
    assert isinstance(await act("http", {"url": url}, outside), Never)


async def test_a_secret_a_target_echoes_does_not_come_back(outside, serve):
    async def answer(request):
        return web.json_response({"you": request.headers["X-Key"]}, status=400)

    outcome = await act(
        "http", {"url": await serve(answer), "headers": {"X-Key": "${TOKEN}"}}, outside
    )

    assert isinstance(outcome, Never)
    assert "s3cr3t" not in str(outcome)


async def test_a_signature_covers_the_very_bytes_that_arrive(outside, echo):
    from hookagent.event import Headers, RawRequest
    from hookagent.providers import catalog
    from hookagent.providers.verify import Verifier
    from tests.actions.conftest import NOW

    options = {
        "url": echo.url,
        "json": {"a": "{{ n }}"},
        "sign": {"scheme": "standard-webhooks", "secret": "${SECRET}"},
    }

    await act("http", options, outside, {"n": "ü"})

    request, body = echo.seen[0]
    raw = RawRequest(headers=Headers(request.raw_headers), body=body, received_at=NOW)
    secret = outside.environment.expand("${SECRET}")
    assert Verifier(catalog.scheme("standard-webhooks"), [secret]).verify(raw, NOW).valid


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\0"])
async def test_a_value_that_would_split_a_header_ends_the_step_for_good(outside, echo, value):
    outcome = await act(
        "http", {"url": echo.url, "headers": {"X": "{{ v }}"}}, outside, {"v": value}
    )

    assert isinstance(outcome, Never)
    assert "control characters" in outcome.error
    assert echo.seen == []


def test_two_bodies_are_a_problem():
    with pytest.raises(ConfigError, match="do not go together"):
        bind("http", {"url": "https://a.test", "json": {}, "text": "x"}, Environment({}))


@pytest.mark.parametrize(
    "options",
    [
        {"url": "https://a.test", "method": "TRACE"},
        {"url": "https://a.test", "expect": [99]},
        {"url": "https://{{ h }}"},
        {},
    ],
)
def test_options_that_cannot_be_are_problems(options):
    with pytest.raises(ConfigError):
        bind("http", options, Environment({}))


def test_preparing_is_exact_and_touches_nothing():
    step = bind(
        "http", {"url": "https://a.test/{{ a }}", "json": {"a": "{{ a }}"}}, Environment({})
    )

    one, other = step.prepare(scope_of({"a": 1})), step.prepare(scope_of({"a": 1}))

    assert one == other
