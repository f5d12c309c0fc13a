"""Explanations: true exactly when the rule matches, and worth reading."""

import msgspec
from hypothesis import given, settings

from hookagent.rules.evaluate import matches
from hookagent.rules.explain import explain, nearest_first
from tests.rules.events import make_event, rule_of, rule_when, rules_of
from tests.rules.generated import documents, rulesets


@settings(max_examples=250, deadline=None)
@given(rulesets, documents)
def test_an_explanation_says_true_exactly_when_the_rule_matches(rules, payload):
    event = make_event(payload)

    for rule in rules.rules:
        explained = explain(rule, event)

        assert explained.matches is matches(rule, event)
        assert explained.matches is (explained.missed == 0)
        msgspec.json.encode(explained)


def note(condition, payload):
    return explain(rule_when(condition), make_event(payload)).when[0].note


def test_it_says_what_a_look_at_the_values_would_not():
    assert note("a = 'x'", {}) == "missing"
    assert note("tittle = 'x'", {"title": 1}) == "missing; did you mean `title`?"
    assert (
        note("'a.b.tittle' = 'x'", {"a": [{"b": {"title": 1}}]})
        == "missing; did you mean `a.b.title`?"
    )
    assert note("a = 'x'", {"a": "X"}) == "differs only in case"
    assert note("a = 'x'", {"a": " x"}) == "differs only in the space around it"
    assert note("a = 1", {"a": "1"}) == "of another type: text, not a number"
    assert note("a = true", {"a": "True"}) == "of another type: text, not a truth value"
    assert note("a = { lt = { field = 'b' } }", {"a": 1}) == "`b` on the right is missing"
    assert note("'@headers.x' = 'a'", {}) == "missing"
    assert note("a = ['x', 'y']", {"a": "z"}) == ""


def test_each_condition_shows_what_it_wanted_and_what_it_got():
    rule = rule_when(
        "a = { not = ['x', 1], item = { b = 1, c = { gt = 2 } } }\nd = { after = 'now-90m', len = { gte = 2 } }",
    )

    found = explain(rule, make_event({"a": [{"b": 1}], "d": ["2026-01-01T00:00:00Z"]})).when

    assert [(it.path, it.operator, it.expected, it.holds) for it in found] == [
        ("a", "not", {"in": [1, "x"]}, True),
        ("a", "item", {"b": {"eq": 1}, "c": {"gt": 2}}, False),
        ("d", "after", "now-1h30m", False),
        ("d", "len", {"gte": 2}, False),
    ]
    assert found[0].actual == [[{"b": 1}]]
    assert found[0].line == 7


def test_an_expression_shows_the_values_it_used():
    found = explain(rule_of('expr = "a + b > c"'), make_event({"a": 1, "b": 2})).when[0]

    assert found.expected == "a + b > c"
    assert found.actual == [{"a": [1]}, {"b": [2]}, {"c": []}]
    assert found.note == "missing: c"


def test_long_values_are_cut():
    found = explain(rule_when("a = 'x'"), make_event({"a": ["y" * 500] * 50})).when[0]

    assert len(found.actual[0]) == 21
    assert len(found.actual[0][0]) == 201


def test_the_nearest_miss_comes_first_and_other_events_last():
    rules = rules_of(
        """
        [rule.other]
        on = "gitlab"
        do = [{ action = "log" }]
        [rule.far]
        when = { a = 1, b = 1, c = 1 }
        do = [{ action = "log" }]
        [rule.near]
        when = { a = 1, b = 1, c = 2 }
        do = [{ action = "log" }]
        [rule.hit]
        do = [{ action = "log" }]
        [rule.off]
        enabled = false
        when = { a = 1 }
        do = [{ action = "log" }]
        """,
    )

    event = make_event({"b": 1, "c": 2})
    found = nearest_first([explain(rule, event) for rule in rules.rules])

    assert [it.rule for it in found] == ["hit", "near", "off", "far", "other"]
    assert [it.missed for it in found] == [0, 1, 1, 2, 1]


def test_during_is_explained_too():
    text = """
    [calendar.night]
    hours = ["22:00-06:00"]
    [rule.r]
    during = "night"
    do = [{ action = "log" }]
    """

    found = explain(rules_of(text).rules[0], make_event({}))

    assert found.during is not None
    assert (found.during.expected, found.during.holds) == ("night", False)
