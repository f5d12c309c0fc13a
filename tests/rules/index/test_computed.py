"""By what expressions can be looked up."""

import pytest

from hookagent.rules.expressions import parse_expression
from hookagent.rules.index import Matcher
from hookagent.rules.index.access import Kind
from hookagent.rules.index.computed import covers
from hookagent.rules.index.look import Slots
from hookagent.rules.model import RuleSet
from tests.rules.events import make_event, rule_of


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("a - b > 3", [Kind.RANGE]),
        ("3 <= a", [Kind.RANGE]),
        ('a < "m"', [Kind.RANGE]),
        ("a == 3", [Kind.EQUAL]),
        ("a == null", [Kind.EQUAL]),
        ("a == 1 and b > 2", [Kind.EQUAL, Kind.RANGE]),
        ("a != 1", [Kind.PRESENT]),
        ("a < b", [Kind.PRESENT, Kind.PRESENT]),
        ("a > true", [Kind.PRESENT]),
        ("not (a == 1)", [Kind.PRESENT]),
        ("vip", [Kind.PRESENT]),
        ("not (a == 1 and b == 2)", []),
        ("(a or b) == true", []),
        ("a == 1 or not (b and c)", []),
        ("1 < 2", [Kind.RANGE]),
    ],
)
def test_a_comparison_is_looked_up_by(text, kinds):
    found = covers(parse_expression(text).root, Slots())
    assert [cover.accesses[0].wants[0][0] for cover in found] == kinds


def test_alternatives_are_one_cover():
    (cover,) = covers(parse_expression("a == 1 or b > 2").root, Slots())
    assert [access.wants[0][0] for access in cover.accesses] == [Kind.EQUAL, Kind.RANGE]


def test_what_is_computed_finds_its_rules():
    texts = [f"n - least > {number}" for number in range(40)]
    texts += [f'n == {number} or mark == "{number}"' for number in range(40)]
    ruleset = RuleSet(rules=tuple(rule_of(f"expr = ['{text}']") for text in texts))
    matcher = Matcher(ruleset)

    def found(payload):
        matched = matcher.match(make_event(payload))
        return [texts[ruleset.rules.index(rule)] for rule in matched]

    assert found({"n": 4, "least": 2}) == [
        "n - least > 0",
        "n - least > 1",
        'n == 4 or mark == "4"',
    ]
    assert found({"n": [4], "mark": "7"}) == ['n == 7 or mark == "7"']
    assert found({"n": [4, 5], "least": 0, "mark": "x"}) == []
