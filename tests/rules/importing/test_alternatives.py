"""Conditions while they are imported."""

import pytest

from hookagent.rules.importing.alternatives import below, both, conjoined, shared
from hookagent.rules.importing.imported import CannotImport


def test_two_requirements_of_one_operator_both_stay():
    table = conjoined({"regex": "a"}, {"regex": "b"})

    assert table == {"regex": "a", "item": [{"regex": "b"}]}
    assert conjoined(table, {"regex": "c"}) == {
        "regex": "a",
        "item": [{"regex": "b"}, {"regex": "c"}],
    }
    assert conjoined({"not": "x"}, {"not": {"prefix": "y"}}) == {
        "not": [{"eq": "x"}, {"prefix": "y"}]
    }
    assert conjoined("x", "x") == {"eq": "x"}
    assert conjoined("x", ["y"]) == {"eq": "x", "in": ["y"]}


def test_alternatives_are_multiplied_out_up_to_a_bound():
    assert both([{"a": 1}, {"b": 1}], [{"c": 1}]) == [{"a": 1, "c": 1}, {"b": 1, "c": 1}]
    with pytest.raises(CannotImport):
        both([{}] * 17, [{}] * 17)


def test_what_all_alternatives_ask_for_is_taken_out():
    assert shared([{"a": 1, "b": 1}, {"a": 1, "c": 1}]) == ({"a": 1}, [{"b": 1}, {"c": 1}])
    assert shared([{"a": 1}, {"a": True}]) == ({}, [{"a": 1}, {"a": True}])
    assert shared([{"a": 1}, {"a": 1, "b": 1}]) == ({"a": 1}, [])


def test_members_go_below_their_object():
    assert below("a", [{"b": 1}], as_item=True) == [{"a.b": 1}]
    assert below("a", [{"b": 1, "c": 1}], as_item=True) == [{"a": {"item": {"b": 1, "c": 1}}}]
    assert below("a", [{"['x.y']": 1}], as_item=False) == [{"a['x.y']": 1}]
