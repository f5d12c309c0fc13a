"""TOML on one line reads back as what was written."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.rules.inline import inline, key, quoted

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=10,
)


@given(texts, values)
def test_what_is_written_reads_back(name, value):
    assert tomllib.loads(f"{key(name)} = {inline(value)}") == {name: value}


def test_backslashes_stay_as_they_are():
    assert quoted("^\\d+$") == "'^\\d+$'"
    assert quoted("it's \\") == '"it\'s \\\\"'


def test_half_a_character_is_replaced():
    assert tomllib.loads(f"a = {quoted(chr(0xD800))}") == {"a": "\ufffd"}


def test_null_is_not_toml():
    with pytest.raises(ValueError, match="TOML has no None"):
        inline([None])
