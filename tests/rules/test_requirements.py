"""What a rule asks of one event, as values."""

from hookagent.rules.model import Pattern
from tests.rules.events import rule_of, rules_of


def test_patterns_are_source_and_type_once_each():
    rule = rule_of('on = ["a/b.*", "c", "a/b.*", "*/x/y"]')

    assert rule.on == (Pattern("a", "b.*"), Pattern("c", "*"), Pattern("*", "x/y"))


def test_when_use_and_expr_are_joined_and_remember_where_they_came_from():
    rule = rules_of(
        """
        [condition.c]
        b = 1
        [rule.r]
        use = "c"
        expr = ["a > 1", "b > 1"]
        when = { a = 1 }
        do = [{ action = "log" }]
        """,
    ).rules[0]

    assert [(it.reference.text, it.predicate.op, it.origin) for it in rule.when] == [
        ("a", "eq", ""),
        ("b", "eq", "c"),
        ("", "expr", ""),
        ("", "expr", ""),
    ]
    assert [it.line for it in rule.when] == [7, 3, 6, 6]
