"""Pure: each filter, by example, and all of them on anything."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.lookup import MISSING
from hookagent.template import FILTERS, TemplateError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("name", "value", "arguments", "expected"),
    [
        ("default", MISSING, ("x",), "x"),
        ("default", None, (0,), 0),
        ("default", "", ("x",), "x"),
        ("default", False, ("x",), False),
        ("json", {"a": ['"']}, (), '{"a":["\\""]}'),
        ("upper", "straße", (), "STRASSE"),
        ("lower", "ÀB", (), "àb"),
        ("lower", True, (), "true"),
        ("trim", "  a b\n", (), "a b"),
        ("truncate", "abcdef", (4,), "abc…"),
        ("truncate", "abcd", (4,), "abcd"),
        ("date", "2026-03-01T23:30:00-05:00", (), "2026-03-02"),
        ("date", 1_760_000_000, ("%H:%M",), "08:53"),
        ("date", 1_760_000_000_000, ("%Y",), "2025"),
        ("date", "1760000000", ("%Y-%m",), "2025-10"),
        ("number", "12.50", (), 12.5),
        ("number", " 12 ", (), 12),
        ("number", "3", (2,), "3.00"),
        ("number", 2.345, (1,), "2.3"),
        ("urlencode", "a b/ü", (), "a%20b%2F%C3%BC"),
    ],
)
def test_a_filter_does_what_the_table_says(name, value, arguments, expected):
    assert FILTERS[name].apply(value, *arguments) == expected


@pytest.mark.parametrize(
    ("name", "value", "arguments"),
    [
        ("truncate", "abc", (0,)),
        ("truncate", "abc", ("long",)),
        ("date", "yesterday", ()),
        ("date", 10**40, ()),
        ("date", "2026-01-01", ("%c",)),
        ("date", "2026-01-01", ("%1000000d",)),
        ("number", "twelve", ()),
        ("number", True, ()),
        ("number", "\uff11\uff12", ()),
        ("number", 1, (99,)),
    ],
)
def test_a_value_a_filter_cannot_take_is_said(name, value, arguments):
    with pytest.raises(TemplateError):
        FILTERS[name].apply(value, *arguments)


@given(st.sampled_from(sorted(FILTERS)), json_values, st.lists(json_values, max_size=1))
def test_a_filter_answers_any_value_with_a_value_or_a_template_error(name, value, arguments):
    filter_ = FILTERS[name]
    arguments = (arguments * 2)[: filter_.most][: max(filter_.least, len(arguments))]
    if len(arguments) < filter_.least:
        arguments = [1]

    with contextlib.suppress(TemplateError):
        made = filter_.apply(value, *arguments)
        msgspec.json.encode(str(made) if isinstance(made, str) else made)


def test_every_filter_is_described():
    assert all(filter_.about for filter_ in FILTERS.values())
