"""Pure: what relays hand over."""

import json
from base64 import b64encode

from hypothesis import given
from hypothesis import strategies as st

from hookagent.tunnel.relayed import Relayed, is_rebuilt, passed_on, read_message


def message(**fields) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


def read(data: bytes) -> Relayed:
    request = read_message(data)
    assert request is not None
    return request


def test_gosmees_bytes_are_exact():
    body = b'{"a": 1.0}\r\n\xff'

    request = read(message(bodyB=b64encode(body).decode(), body={"a": 1}, host="h"))

    assert (request.body, request.is_exact, request.headers) == (body, True, ())


def test_smees_body_is_taken_as_the_relay_wrote_it():
    request = read(b'{"x-a":"1","body":{"b":1.50,"a":"\\u00e9", "c":[]},"timestamp":1}')

    assert request.body == b'{"b":1.50,"a":"\\u00e9", "c":[]}'
    assert not request.is_exact
    assert request.headers == (("x-a", "1"),)


def test_a_form_is_put_together_as_a_form():
    request = read(
        message(**{"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
                body={"payload": '{"a":1}', "b": ["x", "y z"]})
    )  # fmt: skip

    assert request.body == b"payload=%7B%22a%22%3A1%7D&b=x&b=y+z"


def test_the_query_is_kept():
    assert read(message(body={}, query={"a": "1", "b": ["x", "y"], "c": 7})).query == (
        "a=1&b=x&b=y"
    )


def test_a_rebuilt_body_is_no_longer_compressed():
    assert read(message(body={}, **{"content-encoding": "gzip"})).headers == ()


def test_nobody_can_claim_an_address_or_speak_in_our_name():
    fields = [
        ("X-Forwarded-For", "10.0.0.1"),
        ("CF-Connecting-IP", "10.0.0.1"),
        ("x-real-ip", "10.0.0.1"),
        ("X-Hookagent-Replay", "evt_1"),
        ("Transfer-Encoding", "chunked"),
        ("bad name", "x"),
        ("x-split", "a\r\nx-b: c"),
        ("X-Hub-Signature-256", "sha256=00"),
    ]

    assert passed_on(fields) == (("X-Hub-Signature-256", "sha256=00"),)


def test_a_mark_tells_whether_the_bytes_were_rebuilt():
    assert is_rebuilt("smee; bytes=rebuilt")
    assert not any(map(is_rebuilt, (None, "", "svix; bytes=exact", "bytes=", "rebuilt?")))


def test_what_is_no_request_is_none():
    for data in (b"", b"ready", b"{}", b"[]", b'{"a":1}', b'{"body":', b'{"body":' + b"[" * 9999):
        assert read_message(data) is None


def test_broken_base64_falls_back_to_the_body():
    request = read(message(bodyB="%%%", body={"a": 1}))

    assert (request.body, request.is_exact) == (b'{"a": 1}', False)


@given(st.binary())
def test_any_bytes_are_read(data):
    assert isinstance(read_message(data), Relayed | None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    st.lists,
    max_leaves=5,
)


@given(
    st.dictionaries(st.text() | st.sampled_from(["body", "bodyB", "query", "content-type"]), JSON)
)
def test_any_message_is_read(fields):
    assert isinstance(read_message(message(**fields)), Relayed | None)
