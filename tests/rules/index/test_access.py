"""By what conditions can be looked up."""

import pytest

from hookagent.rules.index import Matcher
from hookagent.rules.index.access import Kind, addresses, covers
from hookagent.rules.index.look import Slots
from hookagent.rules.model import RuleSet
from tests.rules.events import make_event, rule_when
from tests.rules.index.small import rules


def test_an_address_in_ipv6_clothes_is_read_as_ipv4():
    assert addresses(" ::ffff:192.0.2.1 ") == addresses("192.0.2.1")
    assert addresses(frozenset({"x", 5})) == []


@pytest.mark.parametrize(
    ("op", "argument", "kind", "exact"),
    [
        ("glob", "release/*", Kind.START, True),
        ("glob", "*.md", Kind.END, True),
        ("glob", "*x*", Kind.HOLDS, True),
        ("glob", "main", Kind.EQUAL, True),
        ("glob", "a*b", Kind.START, False),
        ("word", "refund", Kind.HOLDS, False),
        ("null", True, Kind.EQUAL, True),
        ("gt", 5, Kind.RANGE, False),
        ("before", "now+3d", Kind.RANGE, False),
        ("after", "2026-01-31T12:00:00Z", Kind.RANGE, False),
        ("exists", True, Kind.PRESENT, False),
        ("null", False, Kind.PRESENT, False),
        ("empty", True, Kind.PRESENT, False),
        ("type", "string", Kind.PRESENT, False),
        ("glob", "*", Kind.PRESENT, False),
    ],
)
def test_an_operator_is_looked_up_by(op, argument, kind, exact):
    cover = covers(rules(("a", op, argument)).rules[0].when[0], Slots())[0]
    assert cover.accesses[0].wants[0][0] is kind
    assert cover.is_exact is exact


def test_what_is_not_there_cannot_be_looked_up():
    assert covers(rules(("a", "exists", False)).rules[0].when[0], Slots()) == ()


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        ("a = { len = 2 }", [Kind.EQUAL]),
        ("a = { len = { gte = 2, lt = 9 } }", [Kind.RANGE, Kind.RANGE]),
        ('a = { field = "b" }', [Kind.PRESENT, Kind.PRESENT]),
        ('a = { lt = { field = "b" } }', [Kind.PRESENT, Kind.PRESENT]),
        ('a = { not = { prefix = "x" } }', [Kind.PRESENT]),
        ("a = { changed = true }", [Kind.PRESENT]),
        ('a = { item = { n = { lt = { field = "@item.m" } } } }', [Kind.PRESENT]),
    ],
)
def test_what_has_no_value_to_go_by_is_looked_up_by_what_it_needs(line, kinds):
    slots = Slots()
    found = [it for condition in rule_when(line).when for it in covers(condition, slots)]
    assert [cover.accesses[0].wants[0][0] for cover in found] == kinds


def test_a_time_is_looked_up_beside_the_arrival_where_it_is_meant_so():
    lines = [f'a = {{ before = "now+{number}h" }}' for number in range(40)]
    ruleset = RuleSet(rules=tuple(rule_when(line) for line in lines))
    assert len(Matcher(ruleset).match(make_event({"a": "2026-01-31T22:30:00Z"}))) == 29
    assert len(Matcher(ruleset).match(make_event({"a": ["soon", 1_769_860_800]}))) == 39
