"""Pure: only the state folder's own key makes a replay."""

import stat

from hypothesis import given
from hypothesis import strategies as st

from hookagent.event import Headers, RawRequest
from hookagent.pipeline.origin import REPLAY_HEADER, mark_replay, read_mark, replay_key

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
