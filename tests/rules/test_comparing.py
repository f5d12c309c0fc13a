"""Comparisons of one element. Their meaning within the language is in docs/rules.md."""

import pytest
from hypothesis import given

from hookagent.rules.comparing import (
    AT_LEAST,
    AT_MOST,
    any_text,
    equals,
    is_between,
    is_in,
    is_within,
)
from hookagent.rules.model import atom
from tests.rules.generated import payloads, scalars


@given(scalars, payloads)
def test_every_comparison_takes_any_value(literal, value):
    equals(atom(literal), value)
    AT_LEAST(1, value)
    AT_MOST("x", value)
    is_between((0, 1), value)
    is_within(("10.0.0.0/8",), value)
    any_text(str.startswith)(("x",), value)


@given(scalars)
def test_a_value_equals_its_own_atom_and_is_among_it(value):
    assert equals(atom(value), value)
    assert is_in(frozenset({atom(value)}), value)


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("10.1.2.3", True),
        (" 10.1.2.3 ", True),
        ("::ffff:10.1.2.3", True),
        ("11.0.0.1", False),
        ("10.1", False),
    ],
)
def test_addresses(text, within):
    assert is_within(("10.0.0.0/8",), text) is within
