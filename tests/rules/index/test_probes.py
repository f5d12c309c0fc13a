"""One place of an event, looked up."""

import sys

import pytest

from hookagent.rules.index import Matcher, probes
from hookagent.rules.index.access import Expression, Range
from hookagent.rules.index.look import Look
from hookagent.rules.index.probes import Patterns, Probe, Ranges
from hookagent.rules.patterns import SUBJECT_BYTES_MAX
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


def collected(probe: Probe, value: object) -> list[int]:
    look = Look()
    look.payload = value
    hits: list[int] = []
    probe.collect(look, hits)
    return sorted(hits)


ASKED = (
    Expression("a+"),
    Expression("B", is_folded=True),
    Expression("*[cd]?", is_glob=True),
    Expression("^x|y$"),
    *(Expression(f"{letter}[0-9]") for letter in "efghijklmn"),
)
TEXTS = {"xaax": [0, 3], "b": [1], "3dy": [2, 3], "3d\nz": [], "q": [], "f7 n0": [5, 13]}


def of_all() -> Patterns:
    postings = [(expression, [number]) for number, expression in enumerate(ASKED)]
    return Patterns(lambda look: look.payload, postings)


@pytest.mark.parametrize(("text", "numbers"), TEXTS.items())
def test_expressions_of_every_sort_are_tried_together(text, numbers):
    assert collected(of_all(), text) == numbers


@pytest.mark.parametrize(("text", "numbers"), TEXTS.items())
def test_what_is_too_large_to_be_tried_together_is_tried_in_parts(text, numbers, monkeypatch):
    monkeypatch.setattr(probes, "SET_BYTES_MAX", 1)
    probe = of_all()
    assert collected(probe, text) == numbers
    assert collected(probe, text) == numbers, "what was parted stays so"


def test_a_set_that_cannot_tell_is_parted_and_its_parts_answer():
    probe = of_all()
    probe._tried._always = -1  # as if the set had run out of memory
    assert collected(probe, "xaax") == [0, 3]


def test_a_glob_is_asked_by_itself_about_a_text_that_is_too_long():
    asked = rules(("a", "glob", "*[cd]?"), ("a", "glob", "*[cd]??"), *[("a", "regex", "c.$")] * 20)
    text = "é" * SUBJECT_BYTES_MAX + "c1"
    assert [it.name for it in Matcher(asked).match(event({"a": text}))] == ["0"]
    filled = [("a", "glob", f"*[cd]?{'?' * number}") for number in range(20)]
    assert [it.name for it in Matcher(rules(*filled)).match(event({"a": text}))] == ["0"]


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
