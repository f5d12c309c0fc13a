"""Adapter: what an answer means for a step."""

import socket
from email.utils import formatdate

import pytest
from aiohttp import web

from hookagent.actions.client import Answer, client_of
from hookagent.actions.exchange import output_of, retry_after, said, sort_answer, target_of
from hookagent.job import Again, Done, Later, Never
from tests.actions.conftest import NOW, act


def answer_of(status, *, headers=(), body=b""):
    return Answer(status=status, headers=tuple(headers), body=body)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_done(status):
    assert isinstance(sort_answer(answer_of(status), NOW), Done)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_tried_again(status):
    assert isinstance(sort_answer(answer_of(status), NOW), Again)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 451])
def test_other_client_errors_are_for_good(status):
    assert isinstance(sort_answer(answer_of(status), NOW), Never)


def test_a_redirect_is_for_good_and_says_what_to_write():
    outcome = sort_answer(answer_of(301, headers=[("Location", "https://b.test/")]), NOW)

    assert isinstance(outcome, Never)
    assert "https://b.test/" in outcome.error


def test_expected_statuses_are_the_only_success():
    assert isinstance(sort_answer(answer_of(404), NOW, (404,)), Done)
    assert isinstance(sort_answer(answer_of(301), NOW, (301,)), Done)
    assert isinstance(sort_answer(answer_of(200), NOW, (201,)), Never)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("120", 120_000),
        ("0", 0),
        (formatdate(NOW / 1000 + 30, usegmt=True), 30_000),
        (formatdate(NOW / 1000 - 30, usegmt=True), 0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("١٢", None),
        ("Fri, 99 Foo 2026 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text, ms):
    assert retry_after(answer_of(429, headers=[("retry-after", text)]), NOW) == ms


def test_an_error_quotes_the_beginning_of_what_the_target_said():
    answer = answer_of(400, body=b'{"error":\n  "no such   field"}' + b"x" * 500)

    assert said(answer).startswith('answered 400: {"error": "no such field"}')
    assert len(said(answer)) < 250
    assert said(answer_of(404)) == "answered 404"


def test_an_output_holds_json_where_it_is_json():
    headers = [("Content-Type", "application/problem+json"), ("X-A", "1"), ("x-a", "2")]

    output = output_of(answer_of(200, headers=headers, body=b'{"a":1}'))

    assert output == {
        "status": 200,
        "headers": {"content-type": "application/problem+json", "x-a": "1"},
        "json": {"a": 1},
    }


def test_an_output_holds_text_where_it_is_not():
    headers = [("Content-Type", "application/json")]

    assert output_of(answer_of(200, headers=headers, body=b"{\xff"))["text"] == "{\ufffd"
    assert "text" not in output_of(answer_of(204))


def test_a_target_is_named_without_its_path_which_may_be_a_secret():
    assert target_of("https://hooks.test:8443/T0/B0/secret?x=1") == "https://hooks.test:8443"


async def test_a_target_that_is_down_is_left_alone_after_a_while(outside):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    client = await client_of(outside)
    for _ in range(client.circuits.policy.failures):
        outcome = await act("http", {"url": url}, outside)
        assert isinstance(outcome, Again)
        assert "cannot be reached" in outcome.error

    outcome = await act("http", {"url": url}, outside)

    assert isinstance(outcome, Later)
    assert "is left alone for 10 s" in outcome.reason
    assert outcome.after_ms == client.circuits.policy.pause_ms


async def test_a_target_that_answers_is_never_left_alone(outside, serve):
    async def refuse(_request):
        return web.Response(status=404)

    url = await serve(refuse)

    outcomes = [await act("http", {"url": url}, outside) for _ in range(15)]

    assert all(isinstance(outcome, Never) for outcome in outcomes)


async def test_a_local_address_behind_a_name_is_for_good(outside):
    outcome = await act("http", {"url": "http://0x7f.1:9/"}, outside)

    assert isinstance(outcome, Never)
    assert "local address" in outcome.error
