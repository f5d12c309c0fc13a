"""Pure: the part of JSON Schema a model's answer is held to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.actions.agents.shape import check, problems

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
FULL = {
    "type": "object",
    "required": ["a"],
    "additionalProperties": False,
    "properties": {
        "a": {"type": ["string", "null"], "minLength": 2, "maxLength": 4, "pattern": "^x"},
        "b": {"type": "array", "items": {"type": "integer", "minimum": 1}, "maxItems": 2},
        "c": {"anyOf": [{"const": True}, {"type": "number", "exclusiveMaximum": 0}]},
    },
}


def test_a_value_that_fits_has_no_problem():
    assert check(FULL, {"a": "xyz", "b": [1, 2.0], "c": -0.5}) == []
    assert check(FULL, {"a": None, "c": True}) == []


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([], "must be of type object"),
        ({}, "lacks `a`"),
        ({"a": "x"}, "shorter than 2"),
        ({"a": "xxxxx"}, "longer than 4"),
        ({"a": "yy"}, "does not fit the pattern"),
        ({"a": "xx", "d": 1}, "not known"),
        ({"a": "xx", "b": [0]}, "at least 1"),
        ({"a": "xx", "b": [True]}, "of type integer"),
        ({"a": "xx", "b": [1, 1, 1]}, "longer than 2"),
        ({"a": "xx", "c": 1}, "none of the forms"),
    ],
)
def test_what_does_not_fit_is_said(value, told):
    assert any(told in problem for problem in check(FULL, value))


def test_true_is_not_one():
    assert check({"enum": [1]}, bool(1)) != []
    assert check({"const": False}, 0) != []


@pytest.mark.parametrize(
    "schema",
    [{"oneOf": []}, {"type": "text"}, {"pattern": "("}, {"properties": {"a": {"$ref": "#"}}}, 3,
     {"required": "a"}, {"minLength": -1}, {"enum": []}],
)  # fmt: skip
def test_a_schema_that_would_not_be_checked_is_a_problem(schema):
    assert list(problems(schema))


@given(JSON)
def test_any_value_is_judged(value):
    assert isinstance(check(FULL, value), list)


@given(JSON)
def test_any_schema_is_judged_and_a_good_one_can_be_used(schema):
    if not list(problems(schema)):
        check(schema, {"a": 1})
