"""The table of operators: documented row by row, each example readable."""

import re
from pathlib import Path

import pytest

from hookagent.actions import registry
from hookagent.rules.conditions import NESTING_MAX
from hookagent.rules.operators import OPERATORS
from hookagent.rules.parse import read_rules
from hookagent.rules.testing import run_tests
from tests.rules.events import rule_when

DOCS = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=lambda operator: operator.name)
def test_each_operator_has_its_row_in_the_documentation(operator):
    example = f"{operator.name} = {operator.example}".replace("|", "\\|")

    row = f"| `{operator.name}` | {operator.about} | {operator.kind} | `{example}` |"

    assert row in DOCS.splitlines()


def test_the_documentation_names_no_other_operator():
    documented = re.findall(r"^\| `(\w+)` \| .* \| .* \| `\1 = ", DOCS, re.MULTILINE)

    assert documented == list(OPERATORS)


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=lambda operator: operator.name)
def test_each_example_is_a_condition(operator):
    rule = rule_when(f"a = {{ {operator.name} = {operator.example} }}")

    assert [condition.predicate.op for condition in rule.when] == [operator.name]


def test_the_language_has_the_operators_of_its_contract():
    base = ["eq", "in", "not", "prefix", "suffix", "contains", "word", "glob", "regex"]
    rest = [
        "cidr",
        "gt",
        "gte",
        "lt",
        "lte",
        "between",
        "before",
        "after",
        "exists",
        "null",
        "empty",
        "type",
        "len",
        "all",
        "item",
        "changed",
    ]

    assert set(OPERATORS) == {*base, *(f"i{name}" for name in base), *rest}


def test_equal_requirements_are_equal_values():
    one, two = rule_when("a = ['x']").when[0], rule_when("\n\na = { eq = 'x' }").when[0]

    assert one == two
    assert hash(one) == hash(two)
    assert one.line != two.line
    assert rule_when("a = 1").when != rule_when("a = true").when
    assert rule_when("a = 1").when == rule_when("a = 1.0").when


def test_nesting_has_an_end():
    inner = "1"
    for _ in range(NESTING_MAX + 2):
        inner = f"{{ not = {{ item = {inner} }} }}"

    with pytest.raises(Exception, match="nested deeper than 8 levels"):
        rule_when(f"a = {inner}")


BLOCKS = [
    text
    for text in re.findall(r"^```toml\n(.*?)^```$", DOCS, re.DOTALL | re.MULTILINE)
    if "[rule." in text
]


@pytest.mark.parametrize("text", [text for text in BLOCKS if ".do]]" in text or "do = [" in text])
def test_the_rules_of_the_documentation_are_valid(text):
    rules = read_rules([("docs.toml", text)], check_step=registry.check_step)

    assert rules.rules
    assert [result.problems for result in run_tests(rules) if not result.passed] == []
