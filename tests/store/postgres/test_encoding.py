"""What goes over the wire and into patterns comes out as it was meant."""

import sqlite3
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hookagent.store.postgres.address import read_address
from hookagent.store.postgres.arrays import (
    bigs,
    blobs,
    ints,
    readable,
    storable,
    texts,
    uuids,
)
from hookagent.store.postgres.globs import glob
from hookagent.store.postgres.search import coarse, occurs
from hookagent.store.postgres.session import connect

any_text = st.text(st.characters() | st.sampled_from("\0\uf8fe\ud800\udfff0af"))


@given(any_text)
def test_any_text_can_be_stored_and_read_again(text):
    stored = storable(text)
    assert "\0" not in stored
    stored.encode()
    assert readable(stored) == text


@given(any_text, any_text)
def test_texts_that_differ_are_stored_differently(one, other):
    assert (storable(one) == storable(other)) == (one == other)


def wild(alphabet):
    return st.text(st.sampled_from(alphabet), max_size=8)


@given(wild("ab.[]^*?-\n\\&|~"), wild("ab.[]^-*\n\\&"))
@settings(max_examples=500)
def test_a_glob_means_what_it_means_in_sqlite(pattern, text):
    with_sqlite = sqlite3.connect(":memory:")
    ((fits,),) = with_sqlite.execute("SELECT ? GLOB ?", (text, pattern)).fetchall()
    with_sqlite.close()
    assert (glob(pattern).fullmatch(text) is not None) == bool(fits)


def escaped(body):
    """As `encode(body, 'escape')` does."""
    return "".join(
        "\\\\" if byte == 92 else chr(byte) if 0 < byte < 128 else f"\\{byte:03o}" for byte in body
    )


@given(st.binary(), st.text(min_size=1), st.binary(), st.booleans())
@settings(max_examples=300)
def test_a_body_that_holds_a_text_fits_its_coarse_pattern(before, text, after, is_upper):
    body = before + (text.upper() if is_upper else text).encode() + after
    plain = coarse(text)[1:-1].replace("\\%", "%").replace("\\_", "_").replace("\\\\", "\\")
    if occurs(text, body) and text.isascii():
        assert plain.lower() in escaped(body).lower()


async def test_columns_arrive_as_arrays(url):
    session = await connect(read_address(url))
    try:
        cases: list[tuple[Any, str, list[Any]]] = [
            (texts, "text", ["", "é", None, "a" * 70_000]),
            (blobs, "bytea", [b"", None, bytes(range(256))]),
            (ints, "int4", [0, -1, 2**31 - 1]),
            (ints, "int4", [None, 1]),
            (bigs, "int8", [0, -(2**63), 2**63 - 1]),
            (bigs, "int8", [None, None]),
            (texts, "text", []),
            (ints, "int4", []),
        ]
        for encode, kind, values in cases:
            ((found,),) = await session.fetch(f"SELECT $1::{kind}[]", encode(values))
            assert found == values
        ((found,),) = await session.fetch("SELECT $1::uuid[]", uuids([b"\x01" * 16, None]))
        assert [None if one is None else one.bytes for one in found] == [b"\x01" * 16, None]
    finally:
        await session.close()
