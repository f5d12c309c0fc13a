"""Compiled conditions answer as the language does."""

from random import Random

from hookagent.rules.index.checks import Checks
from hookagent.rules.index.look import Slots, look_at
from hookagent.rules.operators import holds
from hookagent.rules.scope import Scope
from tests.rules.index import pairs
from tests.rules.index.small import rules


def test_compiled_conditions_answer_as_the_language_does():
    random = Random(8)
    checks = Checks(Slots())
    for _ in range(3_000):
        condition, event = pairs.condition(random), pairs.event(random)
        key, judge, argument = checks.of(condition)
        expected = holds(condition, Scope(event))
        assert judge(look_at(event)[key], argument) is expected, (condition, event.payload)


def test_conditions_that_ask_the_same_are_one():
    first, second = rules(("a.b", "gt", 1)), rules(("['a'].b", "gt", 1))
    checks = Checks(Slots())
    assert checks.of(first.rules[0].when[0]) is checks.of(second.rules[0].when[0])
