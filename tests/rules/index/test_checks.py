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
    made = Checks(Slots())
    for _ in range(3_000):
        condition, met = pairs.condition(random), pairs.event(random)
        key, judge, argument = made.of(condition)
        expected = holds(condition, Scope(met))
        assert judge(look_at(met)[key], argument) is expected, (condition, met.payload)


def test_conditions_that_ask_the_same_are_one():
    first, second = rules(("a.b", "gt", 1)), rules(("['a'].b", "gt", 1))
    checks = Checks(Slots())
    assert checks.of(first.rules[0].when[0]) is checks.of(second.rules[0].when[0])


def test_many_conditions_of_every_kind_answer_as_the_language_does_in_item_and_all():
    random = Random(9)
    made = Checks(Slots())
    asked = [pairs.condition(random) for _ in range(12_000)]
    for condition in asked:
        if condition.predicate.op in {"item", "all", "not", "len", "before", "after"}:
            met = pairs.event(random)
            key, judge, argument = made.of(condition)
            expected = holds(condition, Scope(met))
            assert judge(look_at(met)[key], argument) is expected, (condition, met.payload)
