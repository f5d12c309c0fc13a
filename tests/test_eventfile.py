"""Pure: event files round-trip byte for byte, and bare payloads are told from them."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.errors import UsageError
from hookagent.event import Headers, RawRequest
from hookagent.eventfile import Captured, format_time, parse_time, read, to_object

header_text = st.text(
    st.characters(max_codepoint=255, blacklist_characters="\r\n\0:"), min_size=1, max_size=10
)


@given(
    st.binary(max_size=100),
    st.lists(st.tuples(header_text, header_text), max_size=5),
    st.integers(1, 4_000_000_000_000),
)
def test_a_written_event_reads_back_byte_for_byte(body, headers, received_at):
    request = RawRequest(
        method="PUT",
        target="/a?b=c",
        base_url="https://example.test",
        headers=Headers.of(headers),
        body=body,
        received_at=received_at,
    )
    captured = Captured(request=request, id="evt_1", source="s", type="t")

    (back,) = read(json.dumps(to_object(captured)).encode())

    assert back == captured


def test_json_lines_are_several_events():
    lines = b'{"body":"a"}\n\n{"body_b64":"/w==","headers":{"A":"b"}}\n'

    first, second = read(lines)

    assert first.request.body == b"a"
    assert second.request.body == b"\xff"
    assert second.request.headers.text("a") == "b"


@pytest.mark.parametrize(
    "payload", [b'{"a": 1.0}', b'{"body":"hi","title":"an issue"}', b"[1]", b'"text"']
)
def test_a_bare_payload_becomes_the_body_as_it_is(payload):
    (captured,) = read(payload)

    assert captured.request.body == payload
    assert captured.request.headers.text("content-type") == "application/json"


def test_a_hand_written_body_may_be_the_payload_itself():
    (captured,) = read(b'{"body":{"a":1},"url":"/hooks/x"}')

    assert captured.request.body == b'{"a":1}'
    assert captured.request.target == "/hooks/x"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{", "is not JSON"),
        (b'{"body":"a"}\n{', "line 2"),
        (b'{"body_b64":"!"}', "base64"),
        (b'{"body":"a","received_at":"soon"}', "RFC 3339"),
        (b'{"body":"a","headers":[1]}', "headers"),
        (b'{"body":"a","headers":{"A":"x\\r\\nB: y"}}', "control character"),
        (b'{"body":"a","method":1}', "`method`"),
    ],
)
def test_a_broken_file_says_what_is_wrong(data, says):
    with pytest.raises(UsageError, match=says):
        list(read(data))


@given(st.binary(max_size=120))
def test_any_bytes_are_events_or_a_usage_error(data):
    with suppress(UsageError):
        list(read(data))


@given(st.integers(0, 4_000_000_000_000))
def test_times_round_trip(milliseconds):
    assert parse_time(format_time(milliseconds)) == milliseconds


def test_a_time_without_a_zone_is_utc():
    assert parse_time("1970-01-01T00:00:01") == 1000
    assert parse_time("1970-01-01T01:00:01+01:00") == 1000
