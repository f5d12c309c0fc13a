"""Pure: what is exported says the same bytes, whatever they are."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.event import Headers, RawRequest
from hookagent.eventfile import Captured
from hookagent.pipeline import exports
from hookagent.pipeline.captures import parse
from tests.cli.workbench import application

NAMES = st.from_regex(r"X-[A-Za-z0-9-]{1,8}", fullmatch=True)
VALUES = st.text(
    st.characters(min_codepoint=33, max_codepoint=255, exclude_categories=["Cc", "Zs"]), max_size=12
)


@given(body=st.binary(max_size=200), fields=st.lists(st.tuples(NAMES, VALUES), max_size=4))
def test_a_curl_command_reads_back_as_the_same_request(body, fields):
    request = RawRequest(
        method="PUT",
        target="/in?a=1&b=%20",
        headers=Headers.of([*fields, ("Content-Type", "x/y")]),
        body=body,
    )

    text = exports.to_curl(request, "http://a.test/in?a=1&b=%20")
    (found,) = parse(text.encode("utf-8", "surrogateescape"), "it")

    assert found.request.body == body
    assert (found.request.method, found.request.url) == ("PUT", "http://a.test/in?a=1&b=%20")
    assert list(found.request.headers.items()) == list(request.headers.items())


@given(body=st.binary(max_size=200))
def test_http_on_the_wire_reads_back(body):
    request = RawRequest(target="/in", headers=Headers.of({"X-A": "1"}), body=body)

    (found,) = parse(exports.to_http(request, "https://a.test/in"), "it")

    assert (found.request.url, found.request.body) == ("https://a.test/in", body)


@given(body=st.text(max_size=100))
def test_a_har_reads_back(body):
    request = RawRequest(
        target="/in?a=1",
        base_url="https://a.test",
        body=body.encode("utf-8", "replace"),
        received_at=5,
    )

    archive = exports.to_har([Captured(request=request, id="evt_1")], "1")
    (found,) = parse(json.dumps(archive).encode(), "it")

    assert (found.request.url, found.request.body) == (request.url, request.body)
    assert found.request.received_at == 5


@pytest.mark.parametrize("body", [b'{"a": "\'\\u0000"}', b"\xff\x00\n", "✓".encode()])
def test_a_python_script_sends_the_same_bytes(body):
    with application() as app:
        script = exports.to_python(
            RawRequest(headers=Headers.of({"X-A": "it's"}), body=body), f"{app.url}/x"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )

    assert done.stdout == "200 thanks\n"
    assert (app.came[0][1], app.came[0][2]["x-a"], app.came[0][3]) == ("/x", "it's", body)


def test_an_httpie_command_is_quoted():
    request = RawRequest(headers=Headers.of([("X-A", "=b c"), ("X-Empty", "")]), body=b"it's")

    text = exports.to_httpie(request, "http://a.test/")

    assert "--raw" in text
    assert "'X-A:\\=b c'" in text
    assert exports.to_command("evt_1") == "hookagent replay evt_1"


def test_a_body_that_begins_with_an_at_sign_is_no_file_name():
    text = exports.to_curl(RawRequest(body=b"@/etc/passwd"), "http://a.test/")
    (found,) = parse(text.encode(), "it")

    assert "--data-raw" in text
    assert found.request.body == b"@/etc/passwd"
