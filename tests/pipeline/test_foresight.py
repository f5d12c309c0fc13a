"""Pure: what rules ask for an event before it is stored."""

import pytest

from hookagent.event import Event, RawRequest
from hookagent.pipeline import foresight
from hookagent.pipeline.foresight import Foresight
from hookagent.pipeline.rulebook import Rulebook, compile_rulebook
from hookagent.rules.parse import read_rules
from hookagent.verdict import Code, Verdict

DO = '[[rule.{0}.do]]\naction = "log"\n'


def event(n=1, **payload):
    return Event(
        id=f"evt_{n}",
        source="shop",
        request=RawRequest(received_at=n),
        verdict=Verdict(valid=True, scheme="none", code=Code.OK),
        payload=payload,
    )


def book(**rules):
    text = "".join(f"[rule.{name}]\n{body}\n{DO.format(name)}" for name, body in rules.items())
    return compile_rulebook(read_rules([("r.toml", text)]))


class Asked:
    """Rules that note how often they were asked."""

    def __init__(self, rules: Rulebook) -> None:
        self.count = 0
        self._rules = rules
        self.rulebook = Rulebook(rules.ruleset, self._select, rules.follow)

    def _select(self, given):
        self.count += 1
        return self._rules.select(given)


@pytest.fixture
def large():
    return book(large="when = { total = 9 }")


def test_only_what_a_rule_asks_for_is_wanted(large):
    sight = Foresight()
    assert sight.wants(event(total=1))  # nobody knows yet

    sight.use(large)

    assert sight.wants(event(total=9))
    assert not sight.wants(event(total=1))


def test_the_second_half_of_a_sequence_is_wanted_too():
    pair = book(
        pair='when = { a = 1 }\nsequence = { then = { when = { b = 2 } }, within = "1h", by = ["k"] }'
    )
    sight = Foresight()
    sight.use(pair)

    assert sight.wants(event(a=1, k=1))
    assert sight.wants(event(b=2, k=1))
    assert not sight.wants(event(c=3, k=1))


def test_what_was_found_is_not_looked_for_again(large):
    asked = Asked(large)
    sight = Foresight()
    sight.use(asked.rulebook)
    one = event(total=9)
    sight.wants(one)

    assert [rule.name for rule in sight.matched(one, asked.rulebook)] == ["large"]
    assert asked.count == 1
    assert [rule.name for rule in sight.matched(one, asked.rulebook)] == ["large"]
    assert asked.count == 2  # it is given out once


def test_other_rules_look_again(large):
    sight = Foresight()
    sight.use(large)
    one = event(total=9)
    sight.wants(one)

    other = book(other="when = { total = 9 }")
    sight.use(other)

    assert [rule.name for rule in sight.matched(one, other)] == ["other"]


def test_what_is_kept_for_duplicates_does_not_grow_for_ever(large, monkeypatch):
    monkeypatch.setattr(foresight, "KEPT_MAX", 3)
    asked = Asked(large)
    sight = Foresight()
    sight.use(asked.rulebook)
    for n in range(4):
        sight.wants(event(n, total=9))

    for n in range(4):
        sight.matched(event(n, total=9), asked.rulebook)

    assert asked.count == 4 + 3


def test_a_bug_in_matching_costs_no_event(large):
    def broken(_event):
        raise RuntimeError("oh")

    sight = Foresight()
    sight.use(Rulebook(large.ruleset, broken, large.follow))

    assert sight.wants(event(total=9))
