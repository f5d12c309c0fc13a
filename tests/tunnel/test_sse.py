"""Pure: server-sent events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.tunnel import sse
from hookagent.tunnel.sse import Message, Parser, TooLarge

STREAM = (
    b"\xef\xbb\xbf: a comment\n\nevent: ready\r\ndata: {}\r\n\r\n"
    b"id: 7\rdata:one\rdata: two\r\rdata\n\nretry: 10\nother: x\n\ndata: \xc3\xa9\n\n"
)
MESSAGES = [
    Message("ready", b"{}"),
    Message("message", b"one\ntwo", "7"),
    Message("message", b"", "7"),
    Message("message", "é".encode(), "7"),
]


def test_a_stream_is_read_by_the_standard():
    assert list(Parser().feed(STREAM)) == MESSAGES


@given(st.lists(st.integers(min_value=0, max_value=len(STREAM)), max_size=10))
def test_where_the_bytes_are_cut_makes_no_difference(cuts):
    parser, at = Parser(), 0
    found: list[Message] = []
    for cut in [*sorted(cuts), len(STREAM)]:
        found += parser.feed(STREAM[at:cut])
        at = cut

    assert found == MESSAGES


def test_an_event_has_a_bound(monkeypatch):
    monkeypatch.setattr(sse, "EVENT_BYTES_MAX", 100)
    parser = Parser()

    list(parser.feed(b"data: " + b"x" * 50 + b"\n"))
    with pytest.raises(TooLarge):
        list(parser.feed(b"data: " + b"x" * 50))


def test_what_was_delivered_does_not_count_for_the_bound(monkeypatch):
    monkeypatch.setattr(sse, "EVENT_BYTES_MAX", 100)
    parser = Parser()

    for _ in range(100):
        assert len(list(parser.feed(b"data: " + b"x" * 50 + b"\n\n"))) == 1


@given(st.binary())
def test_any_bytes_are_read(data):
    assert all(isinstance(message, Message) for message in Parser().feed(data))
