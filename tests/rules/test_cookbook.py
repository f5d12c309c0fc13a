"""Every rule of docs/cookbook.md is valid, does what its cases say, and has cases both ways."""

import re
from pathlib import Path

import pytest

from hookagent.actions import registry
from hookagent.environment import Environment
from hookagent.rules.lint import lint
from hookagent.rules.parse import read_rules
from hookagent.rules.testing import run_tests
from hookagent.template import Scope

TEXT = (Path(__file__).parents[2] / "docs" / "cookbook.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
NAMES = [re.findall(r"^\[rule\.([\w-]+)\]", text, re.MULTILINE)[0] for text in RECIPES]
ENVIRONMENT = Environment(
    {
        "SLACK_URL": "https://hooks.example.test/T/B/x",
        "DESK_TOKEN": "desk-token-value",
        "GITHUB_TOKEN": "github-token-value",
        "PAGERDUTY_KEY": "0123456789abcdef0123456789abcdef",
    },
)
CATCH_ALL = "everything-else"


def read(*texts):
    return read_rules(
        [(f"rules/{place}.toml", text) for place, text in enumerate(texts)],
        check_step=lambda action, table: registry.check_step(action, table, ENVIRONMENT),
    )


def would(rule, event, facts):
    told = {}
    for spec in rule.do:
        bound = registry.bind(spec.action, spec.options, ENVIRONMENT)
        told[spec.name] = bound.describe(bound.prepare(Scope(event=event, facts=facts)))
    return told


def test_there_are_enough_of_them():
    assert len(RECIPES) >= 22


@pytest.mark.parametrize("text", RECIPES, ids=NAMES)
def test_a_recipe_does_what_its_cases_say(text):
    rules = read(text)

    assert [it.problems for it in run_tests(rules, would=would) if not it.passed] == []
    for rule in rules.rules:
        assert rule.about
        assert {case.fires for case in rule.tests} == (
            {True} if rule.name == CATCH_ALL else {True, False}
        )


@pytest.mark.parametrize("text", RECIPES, ids=NAMES)
def test_a_recipe_can_fill_its_templates(text):
    from hookagent.rules.testing import event_of, play

    for rule in read(text).rules:
        for case in rule.tests:
            if case.fires:
                event = event_of(case)
                followed = event_of(case.then) if case.then else None
                firing = play(rule, case, event, followed)
                assert firing is not None
                late = rule.sequence is not None and not rule.sequence.is_without
                would(rule, followed if late and followed else event, firing.facts)


def test_all_of_them_together_are_a_rule_set_without_warnings():
    rules = read(*RECIPES)

    assert lint(rules) == []
