"""How conditions are read. What they mean is in docs/rules.md; what is refused in test_parse."""

import pytest

from hookagent.errors import ConfigError
from hookagent.rules.arguments import Moment
from hookagent.rules.conditions import ELSEWHERE
from hookagent.rules.model import Condition, Field, Flag, Predicate
from hookagent.rules.operators import OPERATORS
from hookagent.rules.scope import ITSELF, read_reference, relative
from tests.rules.events import rule_when


def read(text):
    return [
        (it.reference.text, it.predicate.op, it.predicate.argument) for it in rule_when(text).when
    ]


def test_literals_and_lists_have_a_normal_form():
    assert read("a = true") == [("a", "eq", Flag.TRUE)]
    assert read("a = ['x']") == [("a", "eq", "x")]
    assert read("a = ['x', 1]") == [("a", "in", frozenset({"x", 1}))]
    assert read("a = { iin = ['X'] }") == [("a", "ieq", "x")]
    assert read("a = { prefix = 'x' }") == [("a", "prefix", ("x",))]


def test_each_operator_of_a_table_is_a_condition_of_its_own():
    assert read("a = { gte = 1, lt = 2 }") == [("a", "gte", 1), ("a", "lt", 2)]


def test_the_right_side_may_be_a_field_or_a_time():
    assert read("a = { field = 'b' }") == [("a", "eq", Field(read_reference("b")))]
    assert read("a = { before = 'now' }") == [("a", "before", Moment(is_relative=True, ms=0))]


@pytest.mark.parametrize(
    ("name", "ours"), [("startswith", "prefix"), ("ends_with", "suffix"), ("$neq", "not")]
)
def test_an_operator_of_another_tool_is_named_as_it_is_here(name, ours):
    with pytest.raises(ConfigError) as caught:
        rule_when(f'ref = {{ "{name}" = "x" }}')

    (problem,) = caught.value.problems
    assert (problem.code, problem.hint) == ("unknown-operator", f"write `{ours}`")


def test_every_operator_that_is_offered_for_another_is_one():
    assert set(ELSEWHERE.values()) <= set(OPERATORS)
    assert not set(ELSEWHERE) & set(OPERATORS)


def test_a_clause_is_about_the_element_or_paths_into_it():
    inner = Condition(ITSELF, Predicate("eq", "x"))

    assert read("a = { not = 'x' }") == [("a", "not", (inner,))]
    assert read("a = { all = { eq = 'x' } }") == [("a", "all", (inner,))]
    assert read("a = { item = { b = 'x' } }") == [
        ("a", "item", (Condition(relative("b"), Predicate("eq", "x")),)),
    ]


def test_a_condition_knows_its_line():
    rule = rule_when("\n\na = 1")

    assert rule.when[0].line == rule.line + 8
