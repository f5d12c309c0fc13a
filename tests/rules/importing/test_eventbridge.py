"""EventBridge patterns, by the operators page of the EventBridge user guide."""

import json

import pytest

from hookagent.rules.importing.eventbridge import MATCHERS, seems
from hookagent.rules.importing.imported import CannotImport
from tests.rules.importing.cases import fires, imported

CASES = [
    # Exact matching: a list is any of its entries, fields are joined.
    ({"source": ["aws.s3"]}, {"source": "aws.s3"}, True),
    ({"source": ["aws.s3"]}, {"source": "aws.ec2"}, False),
    ({"source": ["aws.s3"]}, {}, False),
    ({"source": ["a", "b"], "detail": {"x": [1]}}, {"source": "b", "detail": {"x": 1}}, True),
    ({"source": ["a", "b"], "detail": {"x": [1]}}, {"source": "b", "detail": {"x": 2}}, False),
    ({"detail": {"state": ["running"]}}, {"detail": {"state": "running"}}, True),
    ({"n": [1]}, {"n": 1.0}, True),
    ({"n": [1]}, {"n": "1"}, False),
    ({"b": [True]}, {"b": True}, True),
    ({"b": [True]}, {"b": 1}, False),
    # Null and empty text.
    ({"a": [None]}, {"a": None}, True),
    ({"a": [None]}, {}, False),
    ({"a": [None, "x"]}, {"a": "x"}, True),
    ({"a": [""]}, {"a": ""}, True),
    ({"a": [""]}, {"a": None}, False),
    # Arrays: an intersection is enough.
    ({"resources": ["a", "b"]}, {"resources": ["c", "b"]}, True),
    ({"resources": ["a", "b"]}, {"resources": []}, False),
    # prefix, suffix, and both in any case.
    ({"time": [{"prefix": "2026-01"}]}, {"time": "2026-01-31"}, True),
    ({"time": [{"prefix": "2026-01"}]}, {"time": "2026-02"}, False),
    ({"f": [{"suffix": ".png"}]}, {"f": "a.png"}, True),
    ({"f": [{"suffix": ".png"}]}, {"f": "a.PNG"}, False),
    ({"f": [{"prefix": {"equals-ignore-case": "EventB"}}]}, {"f": "eventbridge"}, True),
    ({"f": [{"suffix": {"equals-ignore-case": ".PNG"}}]}, {"f": "a.png"}, True),
    ({"f": [{"prefix": ""}]}, {"f": "anything"}, True),
    ({"f": [{"prefix": ""}]}, {"f": 1}, False),
    ({"f": [{"prefix": "a"}, {"prefix": "b"}, "c"]}, {"f": "bx"}, True),
    ({"f": [{"prefix": "a"}, {"prefix": "b"}, "c"]}, {"f": "c"}, True),
    ({"f": [{"prefix": "a"}, {"prefix": "b"}, "c"]}, {"f": "cx"}, False),
    # equals-ignore-case.
    ({"t": [{"equals-ignore-case": "Alice"}]}, {"t": "aLICE"}, True),
    ({"t": [{"equals-ignore-case": "Alice"}]}, {"t": "alic"}, False),
    # anything-but in all its forms.
    ({"s": [{"anything-but": "x"}]}, {"s": "y"}, True),
    ({"s": [{"anything-but": "x"}]}, {"s": "x"}, False),
    ({"s": [{"anything-but": "x"}]}, {}, False),
    ({"s": [{"anything-but": ["x", "y"]}]}, {"s": "y"}, False),
    ({"s": [{"anything-but": [1, 2]}]}, {"s": 3}, True),
    ({"s": [{"anything-but": 1}]}, {"s": "1"}, True),
    ({"s": [{"anything-but": {"prefix": "in"}}]}, {"s": "init"}, False),
    ({"s": [{"anything-but": {"prefix": "in"}}]}, {"s": "out"}, True),
    ({"s": [{"anything-but": {"prefix": ["in", "on"]}}]}, {"s": "once"}, False),
    ({"s": [{"anything-but": {"suffix": ".txt"}}]}, {"s": "a.txt"}, False),
    ({"s": [{"anything-but": {"suffix": [".txt", ".md"]}}]}, {"s": "a.rs"}, True),
    ({"s": [{"anything-but": {"equals-ignore-case": "INIT"}}]}, {"s": "init"}, False),
    ({"s": [{"anything-but": {"equals-ignore-case": ["A", "B"]}}]}, {"s": "b"}, False),
    ({"s": [{"anything-but": {"equals-ignore-case": ["A", "B"]}}]}, {"s": "c"}, True),
    ({"s": [{"anything-but": {"wildcard": "*/lib/*"}}]}, {"s": "a/lib/b"}, False),
    ({"s": [{"anything-but": {"wildcard": ["*/lib/*", "*/bin/*"]}}]}, {"s": "a/src/b"}, True),
    # numeric.
    ({"n": [{"numeric": ["=", 5]}]}, {"n": 5.0}, True),
    ({"n": [{"numeric": [">", 0, "<=", 5]}]}, {"n": 5}, True),
    ({"n": [{"numeric": [">", 0, "<=", 5]}]}, {"n": 0}, False),
    ({"n": [{"numeric": [">", 0, "<", 5]}]}, {"n": [-1, 9]}, False),
    ({"n": [{"numeric": ["<", 10]}]}, {"n": "5"}, False),
    ({"n": [{"numeric": [">=", 3.018e2]}]}, {"n": 301.8}, True),
    # exists.
    ({"e": [{"exists": True}]}, {"e": 0}, True),
    ({"e": [{"exists": True}]}, {}, False),
    ({"e": [{"exists": False}]}, {}, True),
    ({"e": [{"exists": False}], "a": [1]}, {"a": 1, "e": 1}, False),
    ({"e": ["x", {"exists": False}]}, {}, True),
    # cidr.
    ({"ip": [{"cidr": "10.0.0.0/24"}]}, {"ip": "10.0.0.255"}, True),
    ({"ip": [{"cidr": "10.0.0.0/24"}]}, {"ip": "10.0.1.0"}, False),
    ({"ip": [{"cidr": "2001:db8::/32"}]}, {"ip": "2001:db8::1"}, True),
    # wildcard; only the star is special.
    ({"p": [{"wildcard": "dir/*.png"}]}, {"p": "dir/a/b.png"}, True),
    ({"p": [{"wildcard": "dir/*.png"}]}, {"p": "x/dir/a.png"}, False),
    ({"p": [{"wildcard": "a\\*b"}]}, {"p": "a*b"}, True),
    ({"p": [{"wildcard": "a\\*b"}]}, {"p": "axb"}, False),
    ({"p": [{"wildcard": "a?[b]*"}]}, {"p": "a?[b]c"}, True),
    ({"p": [{"wildcard": "a?[b]*"}]}, {"p": "axbc"}, False),
    # $or, alone, with fields beside it, below detail, and in itself.
    ({"$or": [{"a": [1]}, {"b": [2]}]}, {"b": 2}, True),
    ({"$or": [{"a": [1]}, {"b": [2]}]}, {"a": 2}, False),
    ({"c": [1], "$or": [{"a": [1]}, {"b": [2]}]}, {"b": 2}, False),
    ({"c": [1], "$or": [{"a": [1]}, {"b": [2]}]}, {"b": 2, "c": 1}, True),
    ({"detail": {"$or": [{"a": [1]}, {"b": [2], "c": [3]}]}}, {"detail": {"b": 2, "c": 3}}, True),
    ({"detail": {"$or": [{"a": [1]}, {"b": [2], "c": [3]}]}}, {"detail": {"b": 2}}, False),
    ({"$or": [{"a": [1]}, {"$or": [{"b": [2]}, {"c": [3]}]}]}, {"c": 3}, True),
    ({"a": [{"prefix": "x"}], "$or": [{"a": [{"prefix": "xy"}]}, {"b": [1]}]}, {"a": "xz"}, False),
    ({"a": [{"prefix": "x"}], "$or": [{"a": [{"prefix": "xy"}]}, {"b": [1]}]}, {"a": "xyz"}, True),
    ({"$or": ["a", "b"]}, {"$or": "b"}, True),
    # Two fields of one object in a list come from the same element.
    ({"detail": {"items": {"sku": ["A"], "n": [2]}}}, {"detail": {"items": [{"sku": "A", "n": 1}, {"sku": "B", "n": 2}]}}, False),
    ({"detail": {"items": {"sku": ["A"], "n": [2]}}}, {"detail": {"items": [{"sku": "A", "n": 2}]}}, True),
    ({"detail": {"items": {"sku": ["A"], "n": [2]}}}, {"detail": {"items": {"sku": "A", "n": 2}}}, True),
    ({"d": {"d": {"type": ["x"], "len": [1]}}}, {"d": {"d": [{"type": "x", "len": 1}]}}, True),
    ({"d": {"d": {"type": ["x"], "len": [1]}}}, {"d": {"d": [{"type": "x"}, {"len": 1}]}}, False),
    # Names with dots are names.
    ({"a.b": [1]}, {"a.b": 1}, True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "event", "expected"), CASES, ids=[json.dumps(it[:2])[:90] for it in CASES]
)
def test_a_pattern_takes_what_it_took_there(pattern, event, expected):
    assert fires("eventbridge", pattern, event) is expected
    assert not any(note.is_lost for note in imported("eventbridge", pattern).notes)


def test_every_matcher_has_a_case():
    said = json.dumps([case[0] for case in CASES])

    assert all(f'"{name}"' in said for name in MATCHERS)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        [],
        {"a": "x"},
        {"a": []},
        {"a": {}},
        {"a": [["x"]]},
        {"a": [{"suffx": "x"}]},
        {"a": [{"prefix": 1}]},
        {"a": [{"numeric": [">", "1"]}]},
        {"a": [{"numeric": ["~", 1]}]},
        {"a": [{"numeric": [">"]}]},
        {"a": [{"exists": "yes"}]},
        {"a": [{"anything-but": {"numeric": [">", 1]}, "prefix": "x"}]},
        {"a": [{"anything-but": []}]},
        {"EventPattern": "{"},
    ],
)
def test_what_is_no_pattern_is_refused(wrong):
    with pytest.raises(CannotImport):
        imported("eventbridge", wrong)


def test_a_pattern_that_explodes_is_refused():
    wide = {name: [{"prefix": "a"}, {"suffix": "b"}, "c", None] for name in "abcdef"}

    with pytest.raises(CannotImport, match="alternatives"):
        imported("eventbridge", wide)


def test_a_whole_rule_brings_its_name_and_says_what_has_no_place():
    rule = {
        "Name": "my rule",
        "Description": "stops",
        "State": "DISABLED",
        "EventPattern": '{"source": ["aws.ec2"]}',
        "Targets": [{"Arn": "arn:aws:lambda:x"}],
        "ScheduleExpression": "rate(1 day)",
    }

    found = imported("eventbridge", rule)

    assert "[rule.my-rule]" in found.text
    assert 'about = "stops"' in found.text
    assert "enabled = false" in found.text
    assert [note.place for note in found.notes if note.is_lost] == [
        "Targets[0]",
        "ScheduleExpression",
    ]


def test_a_pattern_is_known_by_its_lists():
    assert seems({"source": ["x"], "detail": {"a": [1]}})
    assert not seems({"source": "x"})
    assert not seems({})
