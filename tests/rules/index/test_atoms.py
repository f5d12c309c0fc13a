"""Conditions compiled to tests of one element."""

import pytest

from hookagent.rules.index import Matcher, atoms
from hookagent.rules.index.atoms import of_clause, of_element
from tests.rules.events import rule_when
from tests.rules.index.small import event, rules


def test_a_pattern_is_tried_only_where_the_text_it_needs_is(monkeypatch):
    tried: list[str] = []

    def encoded(text: str) -> bytes:
        tried.append(text)
        return text.encode()

    monkeypatch.setattr(atoms, "encoded", encoded)
    matcher = Matcher(rules(("title", "regex", "parser [0-9]+")))
    assert matcher.match(event({"title": "the cache 7"})) == []
    assert tried == []
    assert matcher.match(event({"title": "the parser 7"})) != []
    assert tried == ["the parser 7"]


def clause(text: str):
    """Return what stands below the one operator of a condition."""
    return rule_when(f"a = {text}").when[0].predicate.argument


@pytest.mark.parametrize(
    ("text", "element", "passed"),
    [
        ('{ item = { sku = "A", n = { gt = 2 } } }', {"sku": ["B", "A"], "n": 3}, True),
        ('{ item = { sku = "A", n = { gt = 2 } } }', {"sku": "A", "n": 2}, False),
        ('{ item = { sku = "A" } }', {"sku": {"sku": "A"}}, False),
        ("{ item = { vip = true } }", {"vip": 1}, False),
        ('{ item = { "b.c" = { iprefix = "X" } } }', {"b": [{"c": 1}, {"c": "xy"}]}, True),
        ('{ item = { prefix = ["x", "y"] } }', "yes", True),
        ('{ item = { in = [1, "x"] } }', {"x": 1}, False),
    ],
)
def test_an_element_is_tested_by_its_parts(text, element, passed):
    test = of_element(clause(text))

    assert test is not None
    assert test(element) is passed


@pytest.mark.parametrize(
    "text",
    ['{ item = { n = { lt = { field = "m" } } } }', "{ item = { tags = { len = 2 } } }"],
)
def test_what_looks_beyond_the_element_has_to_be_asked(text):
    assert of_element(clause(text)) is None


def test_a_clause_of_plain_operators_is_tested_atom_by_atom():
    test = of_clause(clause('{ not = { iprefix = "AB", suffix = "z" } }'))

    assert test is not None
    assert test("abz")
    assert not test("ab")
    assert not test(5)
    assert of_clause(clause('{ not = { field = "b" } }')) is None
