"""Hookdeck filters, by the filters page of its documentation."""

import json

import pytest

from hookagent.rules.importing.hookdeck import OPERATORS, seems
from hookagent.rules.importing.imported import CannotImport
from tests.rules.importing.cases import fires, imported

VARIANTS = {"variants": {"updated_at": {"$ref": "variants[$index].created_at"}}}
CASES = [
    # Literals, loosely compared.
    ({"type": "order"}, {"type": "order"}, True),
    ({"type": "order"}, {"type": "Order"}, False),
    ({"type": "order"}, {}, False),
    ({"id": 123}, {"id": "123"}, True),
    ({"id": "123"}, {"id": 123}, True),
    ({"id": 123}, {"id": 124}, False),
    ({"ok": True}, {"ok": True}, True),
    ({"a": None}, {"a": None}, True),
    ({"a": None}, {"a": 0}, False),
    # Nested objects are partial.
    ({"product": {"inventory": 0}}, {"product": {"title": "x", "inventory": 0}}, True),
    ({"product": {"inventory": 0, "title": "y"}}, {"product": {"title": "x", "inventory": 0}}, False),
    # Arrays contain; a list asks for all of it; objects in lists are met by one element.
    ({"tags": "gift"}, {"tags": ["gift", "x"]}, True),
    ({"tags": ["gift", "x"]}, {"tags": ["x", "y", "gift"]}, True),
    ({"tags": ["gift", "z"]}, {"tags": ["x", "y", "gift"]}, False),
    ({"items": {"id": 4}}, {"items": [{"id": 3}, {"id": 4}]}, True),
    ({"items": {"id": 4, "n": 1}}, {"items": [{"id": 4, "n": 2}, {"id": 3, "n": 1}]}, False),
    ({"items": {"id": 4, "n": 1}}, {"items": [{"id": 4, "n": 1}]}, True),
    ({"items": [{"id": 4}, {"id": 3}]}, {"items": [{"id": 3}, {"id": 4}]}, True),
    ({"items": [{"id": 4}, {"id": 5}]}, {"items": [{"id": 3}, {"id": 4}]}, False),
    ({"items": {"type": "x", "len": 1}}, {"items": [{"type": "x", "len": 1}]}, True),
    ({"items": {"type": "x", "len": 1}}, {"items": [{"type": "x", "len": 2}]}, False),
    # Whole lists and objects.
    ({"tags": {"$eq": ["a", "b"]}}, {"tags": ["a", "b"]}, True),
    ({"tags": {"$eq": ["a", "b"]}}, {"tags": ["a", "b", "c"]}, False),
    ({"tags": {"$eq": ["a", "b"]}}, {"tags": ["b", "a"]}, False),
    ({"o": {"$eq": {"a": 1, "b": [None]}}}, {"o": {"a": 1, "b": [None]}}, True),
    ({"o": {"$eq": {"a": 1, "b": [None]}}}, {"o": {"a": 1, "b": [1]}}, False),
    ({"o": {"$neq": {"a": 1, "b": [None]}}}, {"o": {"a": 1, "b": [None]}}, False),
    ({"o": {"$neq": {"a": 1, "b": [None]}}}, {"o": {"a": 1, "b": [1]}}, True),
    ({"o": {"$neq": {"a": 1, "b": [None]}}}, {"o": {"a": 1, "b": [None], "c": 1}}, True),
    ({"o": {"$neq": {"a": 1}}}, {"o": {"c": 1}}, True),
    ({"o": {"$neq": ["x"]}}, {"o": ["x"]}, False),
    ({"o": {"$neq": ["x"]}}, {"o": "x"}, True),
    # Every operator.
    ({"a": {"$eq": 5}}, {"a": 5}, True),
    ({"a": {"$neq": "x"}}, {"a": "y"}, True),
    ({"a": {"$neq": "x"}}, {"a": "x"}, False),
    ({"a": {"$neq": None}}, {"a": None}, False),
    ({"a": {"$in": ["x", "y"]}}, {"a": "y"}, True),
    ({"a": {"$in": ["x", "y"]}}, {"a": "z"}, False),
    ({"a": {"$in": "bil"}}, {"a": "a billing issue"}, True),
    ({"a": {"$nin": ["x", "y"]}}, {"a": "z"}, True),
    ({"a": {"$nin": ["x", "y"]}}, {"a": "y"}, False),
    ({"a": {"$nin": "bil"}}, {"a": "a billing issue"}, False),
    ({"a": {"$gt": 5}}, {"a": 5}, False),
    ({"a": {"$gte": 5, "$lte": 10}}, {"a": 10}, True),
    ({"a": {"$gte": 5, "$lte": 10}}, {"a": 11}, False),
    ({"a": {"$lt": "2026-02"}}, {"a": "2026-01-31"}, True),
    ({"a": {"$startsWith": "or"}}, {"a": "order"}, True),
    ({"a": {"$startsWith": ["x", "or"]}}, {"a": "order"}, True),
    ({"a": {"$endsWith": "er"}}, {"a": "order"}, True),
    ({"a": {"$endsWith": "er"}}, {"a": 1}, False),
    ({"a": {"$exist": True}}, {"a": 1}, True),
    ({"a": {"$exist": False}}, {"a": 1}, False),
    ({"a": {"$exist": False}}, {}, True),
    # $or, $and and $not at every place they can stand.
    ({"$or": [{"a": 1}, {"b": 2}]}, {"b": 2}, True),
    ({"$or": [{"a": 1}, {"b": 2}], "c": 3}, {"b": 2}, False),
    ({"$and": [{"a": 1}, {"$or": [{"b": 1}, {"b": 2}]}]}, {"a": 1, "b": 2}, True),
    ({"$and": [{"a": {"$gt": 1}}, {"a": {"$gt": 5}}]}, {"a": 4}, False),
    ({"$and": [{"a": {"$gt": 1}}, {"a": {"$gt": 5}}]}, {"a": 6}, True),
    ({"a": {"$or": [1, 5]}}, {"a": 5}, True),
    ({"a": {"$or": [{"$startsWith": "x"}, "y"]}}, {"a": "xa"}, True),
    ({"a": {"$and": [{"$startsWith": "x"}, {"$endsWith": "y"}]}}, {"a": "xay"}, True),
    ({"a": {"$and": [{"$startsWith": "x"}, {"$startsWith": "xy"}]}}, {"a": "xa"}, False),
    ({"a": {"$or": [{"b": True}, {"b": {"$in": "else"}}]}}, {"a": {"b": "else"}}, True),
    ({"a": {"$or": [{"b": True}, {"b": {"$in": "no"}}]}}, {"a": {"b": "else"}}, False),
    ({"a": {"$or": [{"b": 1, "c": 1}, {"type": "x"}]}}, {"a": [{"b": 1}, {"c": 1}]}, False),
    ({"a": {"$or": [{"b": 1, "c": 1}, {"type": "x"}]}}, {"a": [{"b": 1}, {"type": "x"}]}, True),
    ({"a": {"$not": "x"}}, {"a": "x"}, False),
    ({"a": {"$not": {"$startsWith": "x"}}}, {"a": "yx"}, True),
    ({"a": {"$not": {"$or": ["x", "y"]}}}, {"a": "y"}, False),
    ({"$not": {"a": 1, "b": 1}}, {"a": 1, "b": 2}, True),
    ({"$not": {"a": 1, "b": 1}, "c": 1}, {"a": 1, "b": 1, "c": 1}, False),
    # References, alone, in operators, and to the same element.
    ({"a": {"$ref": "b"}}, {"a": "x", "b": "x"}, True),
    ({"a": {"$ref": "$.b.c"}}, {"a": "x", "b": {"c": "y"}}, False),
    ({"n": {"$lte": {"$ref": "old"}}}, {"n": 0, "old": 10}, True),
    ({"n": {"$neq": {"$ref": "old"}}}, {"n": 10, "old": 10}, False),
    ({"n": {"$eq": {"$ref": "old"}}}, {"n": 10, "old": 10}, True),
    (VARIANTS, {"variants": [{"updated_at": "1", "created_at": "2"}, {"updated_at": "2", "created_at": "3"}]}, False),
    (VARIANTS, {"variants": [{"updated_at": "1", "created_at": "2"}, {"updated_at": "3", "created_at": "3"}]}, True),
    # Body, headers, query and path apart.
    ({"body": {"a": 1}, "headers": {"x-test": "a"}}, {"a": 1}, True),
    ({"headers": {"X-Test": {"$startsWith": "b"}}}, {"a": 1}, False),
    ({"query": {"tag": "y"}}, {}, True),
    ({"body": "hello"}, "hello", True),
    ({"body": "hello"}, {"a": "hello"}, False),
    ({"body": True}, True, True),
    ({"body": {"$startsWith": '{"a'}}, {"a": 1}, True),
    ({"path": "/hooks"}, {}, True),
    ({"path": {"$startsWith": "/x"}}, {}, False),
    ({"headers": {"$not": {"x-none": {"$exist": True}}}}, {}, True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "body", "expected"), CASES, ids=[json.dumps(it[:2])[:90] for it in CASES]
)
def test_a_filter_takes_what_it_took_there(wanted, body, expected):
    assert fires("hookdeck", wanted, body) is expected


def test_every_operator_has_a_case():
    said = json.dumps([case[0] for case in CASES])

    assert all(f'"{name}"' in said for name in (*OPERATORS, "$or", "$and", "$not", "$ref"))


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        "x",
        {"a": {}},
        {"a": {"$gt": True}},
        {"a": {"$exist": 1}},
        {"a": {"$nope": 1}},
        {"a": {"$in": 5}},
        {"$or": []},
        {"$gt": 5},
        {"a": {"$ref": 5}},
        {"a": {"$in": {"$ref": "b"}}},
        {"a": {"$ref": "other[$index].b"}},
        {"headers": "x"},
    ],
)
def test_what_is_no_filter_is_refused(wrong):
    with pytest.raises(CannotImport):
        imported("hookdeck", wrong)


def test_each_field_has_its_note():
    notes = imported("hookdeck", {"body": {"a": {"b": 1}, "c": {"$nin": ["x"]}}}).notes

    assert [(note.place, note.became, bool(note.reason)) for note in notes] == [
        ("body.a.b", 'b = [1, "1"]', False),
        ("body.c", 'c = { not = ["x"] }', True),
    ]


def test_a_filter_is_known_by_its_operators_or_parts():
    assert seems({"body": {}})
    assert seems({"a": {"b": [{"$gt": 1}]}})
    assert not seems({"a": 1})
