"""Pure: only the state folder's own key makes a replay."""

import stat

from hypothesis import given
from hypothesis import strategies as st

from hookagent.event import Headers, Origin, RawRequest
from hookagent.pipeline.origin import (
    REPLAY_HEADER,
    fetched,
    mark_fetched,
    mark_replay,
    read_mark,
    replay_key,
)
from hookagent.verdict import Code, Integrity, Verdict

KEY = b"k" * 32


def test_a_mark_reads_back_with_the_same_key_and_body_only():
    request = RawRequest(body=b"{}")
    marked = mark_replay(request, parent="evt_1", nonce="n", key=KEY)

    mark = read_mark(marked, KEY)

    assert mark is not None
    assert (mark.parent, mark.nonce) == ("evt_1", "n")
    assert read_mark(marked, b"other") is None
    assert read_mark(RawRequest(headers=marked.headers, body=b"[]"), KEY) is None


@given(st.lists(st.binary(max_size=80), max_size=3))
def test_any_header_value_is_no_mark(values):
    request = RawRequest(headers=Headers([(REPLAY_HEADER.encode(), value) for value in values]))

    assert read_mark(request, KEY) is None


def test_the_key_is_made_once_and_private(tmp_path):
    first, second = replay_key(tmp_path / "state"), replay_key(tmp_path / "state")

    assert first == second
    assert len(first) == 32
    assert stat.S_IMODE((tmp_path / "state" / "replay.key").stat().st_mode) == 0o600


def test_a_fetched_mark_says_so_and_is_no_replay():
    marked = mark_fetched(RawRequest(body=b"{}"), nonce="n", key=KEY)

    mark = read_mark(marked, KEY)

    assert mark is not None
    assert (mark.origin, mark.parent) == (Origin.FETCHED, "")
    assert read_mark(marked, b"other") is None


def test_what_was_fetched_is_never_called_signed():
    signed = Verdict(
        valid=True, scheme="github", code=Code.OK, integrity=Integrity.BODY, content_key=b"k"
    )
    forged = Verdict(valid=False, scheme="github", code=Code.MISMATCH, content_key=b"x")

    request = RawRequest(body=b"{}")

    one, other = fetched(request, signed), fetched(request, forged)

    assert (one.integrity, one.code, one.content_key) == (Integrity.ORIGIN, Code.UNCHECKED, b"k")
    assert (other.valid, other.integrity, other.content_key) == (True, Integrity.ORIGIN, b"")
