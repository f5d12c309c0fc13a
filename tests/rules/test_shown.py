"""Predicates and values as JSON for people."""

import msgspec
import pytest
from hypothesis import given

from hookagent.rules import shown
from tests.rules.events import rule_when
from tests.rules.generated import payloads


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("a = true", True),
        ("a = ['x', 1, true]", [True, 1, "x"]),
        ("a = { prefix = ['x', 'y'] }", ["x", "y"]),
        ("a = { prefix = 'x' }", "x"),
        ("a = { between = [1, 2] }", [1, 2]),
        ("a = { field = 'b' }", {"field": "b"}),
        ("a = { before = 'now+90s' }", "now+1m30s"),
        ("a = { after = '2026-01-31' }", "2026-01-31T00:00:00.000Z"),
        ("a = { not = { prefix = 'x', suffix = 'y' } }", {"prefix": "x", "suffix": "y"}),
        (
            "a = { item = { b = 1, c = { gt = 1, lt = 3 } } }",
            {"b": {"eq": 1}, "c": {"gt": 1, "lt": 3}},
        ),
        ("a = { len = 2 }", {"eq": 2}),
        ("a = { changed = true }", True),
    ],
)
def test_an_argument_is_shown_as_it_would_be_written(condition, expected):
    assert shown.argument(rule_when(condition).when[0].predicate) == expected


@given(payloads)
def test_any_value_is_cut_to_something_json_can_say(value):
    msgspec.json.encode(shown.trimmed(value))
    shown.paths(value)


def test_paths_open_lists():
    document = {"a": [{"b": 1}, {"c": 2}], "d.e": {"f": 3}}

    assert dict(shown.paths(document)) == {
        "a": [{"b": 1}, {"c": 2}],
        "['d.e']": {"f": 3},
        "a.b": 1,
        "a.c": 2,
        "['d.e'].f": 3,
    }


def test_durations():
    assert [shown.duration(ms) for ms in (0, 5, 61_000, 90_061_001)] == [
        "0s",
        "5ms",
        "1m1s",
        "1d1h1m1s1ms",
    ]
