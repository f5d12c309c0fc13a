"""One place of an event, looked up."""

import sys

import pytest

from hookagent.rules.index import Matcher
from hookagent.rules.index.access import Range
from hookagent.rules.index.look import Look
from hookagent.rules.index.probes import Patterns, Ranges
from tests.rules.index.small import event, rules


@pytest.mark.parametrize("low_open", [True, False])
@pytest.mark.parametrize("high_open", [True, False])
def test_spans_end_where_they_say(low_open, high_open):
    span = Range(is_text=False, low=2, high=4, is_low_open=low_open, is_high_open=high_open)
    probe = Ranges(lambda look: look.payload, [(span, [7])])
    for value, inside in (
        (1, False),
        (2, not low_open),
        (3.5, True),
        (4, not high_open),
        (5, False),
    ):
        look = Look()
        look.payload = value
        hits: list[int] = []
        probe.collect(look, hits)
        assert bool(hits) is inside, value


def test_expressions_are_tried_one_by_one_where_the_set_cannot_tell():
    probe = Patterns(lambda look: look.payload, [("a+", [1]), ("b", [2])])
    probe._always = -1  # as if the set had run out of memory
    look = Look()
    look.payload = "xaax"
    hits: list[int] = []
    probe.collect(look, hits)
    assert hits == [1]


def test_thousands_of_elements_and_rules_are_looked_up_not_multiplied():
    """Counted in calls, not in time: elements plus rules, not elements times rules."""
    ruleset = rules(*[("tags", "contains", f"word-{number:04}-") for number in range(2_000)])
    matcher = Matcher(ruleset)
    crowd = event({"tags": [f"xx-{number}" for number in range(2_000)]})
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        assert matcher.match(crowd) == []
    finally:
        sys.setprofile(None)
    assert calls < 200_000
