"""A rule taken apart."""

from hookagent.rules.index.conjunctions import CONJUNCTIONS_MAX, Splitter
from hookagent.rules.model import Pattern, Rule, RuleSet
from tests.rules.index.small import names, rules


def test_two_elements_may_meet_two_limits():
    both = rules(("a", "gte", 5)).rules[0].when + rules(("a", "lte", 3)).rules[0].when
    crowd = rules(*[("a", "eq", number) for number in range(50)]).rules
    ruleset = RuleSet(rules=(Rule(name="both", when=both), *crowd))
    assert names(ruleset, {"a": [1, 90]}) == ["both", "1"]
    assert "both" not in names(ruleset, {"a": [4, 4.5]})


def test_patterns_of_one_source_make_one_conjunction():
    patterns = (Pattern("github", "push"), Pattern("github", "ping"), Pattern("shop"))
    assert len(list(Splitter().split(Rule(name="r", on=patterns)))) == 2


def test_too_many_choices_stay_one_term():
    group = rules(("a", "eq", 1)).rules[0].when
    other = rules(("b", "eq", 2)).rules[0].when
    wide = Rule(name="r", any=(group, other) * CONJUNCTIONS_MAX)
    (terms,) = Splitter().split(wide)
    assert len(terms[0].covers[0].accesses) == 2 * CONJUNCTIONS_MAX
    assert names(RuleSet(rules=(wide,)), {"b": 2}) == ["r"]
