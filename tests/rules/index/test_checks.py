"""Compiled conditions answer as the language does."""

from random import Random

from hookagent.rules.index import Matcher, checks
from hookagent.rules.index.checks import Checks
from hookagent.rules.index.look import Slots, look_at
from hookagent.rules.operators import holds
from hookagent.rules.scope import Scope
from tests.rules.index import pairs
from tests.rules.index.small import event, rules


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


def test_a_pattern_is_tried_only_where_the_text_it_needs_is(monkeypatch):
    tried: list[str] = []

    def encoded(text: str) -> bytes:
        tried.append(text)
        return text.encode()

    monkeypatch.setattr(checks, "encoded", encoded)
    matcher = Matcher(rules(("title", "regex", "parser [0-9]+")))
    assert matcher.match(event({"title": "the cache 7"})) == []
    assert tried == []
    assert matcher.match(event({"title": "the parser 7"})) != []
    assert tried == ["the parser 7"]
