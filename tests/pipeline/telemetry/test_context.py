"""Which trace and span something has. Pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.pipeline.telemetry.context import Context, parse, span_id, trace_id, written

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CONTEXTS = st.builds(
    Context, st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.integers(0, 1)
)


@given(CONTEXTS)
def test_what_is_written_is_read_again(context):
    assert parse(written(context).encode()) == context


@pytest.mark.parametrize(
    ("value", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-01", 1),
        (f" 00-{TRACE}-{SPAN}-00 ", 0),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-brings", 1),
    ],
)
def test_a_traceparent_is_read(value, flags):
    context = parse(value.encode())
    assert context is not None
    assert (context.trace_id, context.span_id) == (int(TRACE, 16), int(SPAN, 16))
    assert context.is_sampled == bool(flags)


@pytest.mark.parametrize(
    "value",
    [
        None, b"", b"00", f"ff-{TRACE}-{SPAN}-01".encode(), f"00-{'0' * 32}-{SPAN}-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(), f"00-{TRACE.upper()}-{SPAN}-01".encode(),
        f"00-{TRACE}-{SPAN}-01-more".encode(), f"00-{TRACE}-{SPAN}-1".encode(),
    ],
)  # fmt: skip
def test_what_is_none_is_none(value):
    assert parse(value) is None


@given(st.binary(max_size=80))
def test_nothing_a_stranger_writes_is_an_error(value):
    parse(value)


def test_ids_follow_from_what_they_are_of():
    assert trace_id("evt_1") == trace_id("evt_1") != trace_id("evt_2")
    assert span_id("run_1", 0) != span_id("run_1", 1) != span_id("run_1", 0, 1)
    context = Context(1, 2, 1)
    assert context.child("run_1") == Context(1, span_id("run_1"), 1)
