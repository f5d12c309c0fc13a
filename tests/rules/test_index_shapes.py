"""The index agrees with the plain loop whatever shape it grows into, and no input makes it crawl."""

import sys
from random import Random

import pytest

from hookagent.event import Event, RawRequest
from hookagent.rules import evaluate
from hookagent.rules.arguments import read
from hookagent.rules.index import Matcher, grow, probes
from hookagent.rules.index.access import Kind, Range, addresses
from hookagent.rules.index.literals import of_glob, of_regex
from hookagent.rules.index.look import Look, condensed
from hookagent.rules.index.probes import Patterns, Ranges
from hookagent.rules.model import Condition, Flag, Predicate, Rule, RuleSet
from hookagent.rules.operators import OPERATORS
from hookagent.rules.patterns import WrongPattern, compiled, fits_glob, found_by
from hookagent.rules.scope import read_reference
from hookagent.verdict import Code, Verdict
from tests.rules import index_pairs

SHAPES = {
    "only branches": {(grow, "LEAF_MAX"): 0, (grow, "SHARE_MIN"): 10_000, (grow, "COVERED_MIN"): 1},
    "only probes": {(grow, "LEAF_MAX"): 0, (grow, "COVERED_MIN"): 10**9, (grow, "SIEVE_MIN"): 0},
    "only grams": {(grow, "COVERED_MIN"): 10**9, (grow, "LEAF_MAX"): 0, (probes, "FEW"): 0},
    "only leaves": {(grow, "LEAF_MAX"): 10**9},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_agrees_with_the_loop(shape, monkeypatch):
    for (module, name), value in SHAPES[shape].items():
        monkeypatch.setattr(module, name, value)
    for seed in range(30):
        random = Random(seed + 10_000)
        ruleset = index_pairs.ruleset(random, random.choice((3, 30, 90)))
        matcher = Matcher(ruleset)
        for _ in range(10):
            event = index_pairs.event(random)
            assert matcher.match(event) == evaluate.select(ruleset, event), f"seed {seed}"


def rules(*conditions: tuple[str, str, object]) -> RuleSet:
    made = []
    for number, (path, op, argument) in enumerate(conditions):
        predicate = Predicate(op, read(OPERATORS[op].kind, argument))
        made.append(Rule(name=str(number), when=(Condition(read_reference(path), predicate),)))
    return RuleSet(rules=tuple(made))


def event(payload: object) -> Event:
    return Event(
        id="evt_1",
        source="s",
        request=RawRequest(),
        verdict=Verdict(valid=True, scheme="none", code=Code.OK),
        payload=payload,
    )


def names(ruleset: RuleSet, payload: object) -> list[str]:
    return [rule.name for rule in Matcher(ruleset).match(event(payload))]


def test_true_and_one_are_two_values():
    ruleset = rules(*[("a", "eq", value) for value in (1, True, 0, False, "1", "true")])
    assert names(ruleset, {"a": True}) == ["1"]
    assert names(ruleset, {"a": 1.0}) == ["0"]
    assert names(ruleset, {"a": [False, 1]}) == ["0", "3"]


def test_a_field_of_its_own_for_each_rule_is_found():
    ruleset = rules(*[(f"data.f{number}", "eq", 1) for number in range(400)])
    assert names(ruleset, {"data": {"f7": 1, "f399": 1, "f8": 2}}) == ["7", "399"]
    assert names(ruleset, {"data": [[{"f3": 1}], {"f4": [0, 1]}]}) == ["3", "4"]


def test_two_elements_may_meet_two_limits():
    both = rules(("a", "gte", 5)).rules[0].when + rules(("a", "lte", 3)).rules[0].when
    crowd = rules(*[("a", "eq", number) for number in range(50)]).rules
    ruleset = RuleSet(rules=(Rule(name="both", when=both), *crowd))
    assert names(ruleset, {"a": [1, 90]}) == ["both", "1"]
    assert "both" not in names(ruleset, {"a": [4, 4.5]})


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


def test_many_numbers_that_hash_alike_do_not_go_into_a_set():
    alike = [1 + number * (2**61 - 1) for number in range(40, 4_000)]
    assert isinstance(condensed(alike), tuple)
    assert isinstance(condensed([1, 2, "a"]), frozenset)


def test_objects_are_not_looked_up_by_value():
    assert condensed([{"a": 1}, True]) is Flag.TRUE


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


ALPHABET = (
    "a",
    "b",
    "ab",
    "*",
    "?",
    "+",
    ".",
    "^",
    "$",
    "(",
    ")",
    "(?:",
    "[ab]",
    "|",
    "\\.",
    "{2}",
)
ALPHABET_MORE = ("\\d", "{1,}", "{", "}", "[^a]", "\\Q", "(?i)", "]", "[", "\\b", "é")


def test_what_a_pattern_needs_is_in_every_text_that_fits_it():
    random = Random(5)
    checked = 0
    for _ in range(6_000):
        pattern = "".join(random.choices(ALPHABET + ALPHABET_MORE, k=random.randrange(1, 7)))
        try:
            compiled(pattern)
        except WrongPattern:
            continue
        needs = of_regex(pattern)
        if needs is None:
            continue
        for _ in range(6):
            text = "".join(random.choices(("a", "b", "ab", ".", "1", "é", "{", "}", " "), k=6))
            if found_by(pattern, text):
                checked += 1
                assert all(run in text for run in needs.runs), (pattern, text)
                assert not needs.starts or text.startswith(needs.runs[0]), (pattern, text)
                assert not needs.ends or text.endswith(needs.runs[-1]), (pattern, text)
    assert checked > 1_000


def test_what_a_glob_needs_is_in_every_text_that_fits_it():
    random = Random(6)
    for _ in range(3_000):
        pieces = ("a", "b", "*", "*", "?", "[ab]", "[!b]", "\\*", "\\a")
        pattern = "".join(random.choices(pieces, k=random.randrange(1, 6)))
        needs = of_glob(pattern)
        for _ in range(4):
            text = "".join(random.choices("ab*", k=random.randrange(5)))
            if fits_glob(pattern, text):
                assert all(run in text for run in needs.runs), (pattern, text)
                assert not needs.starts or text.startswith(needs.runs[0]), (pattern, text)
                assert not needs.ends or text.endswith(needs.runs[-1]), (pattern, text)


def test_an_address_in_ipv6_clothes_is_read_as_ipv4():
    assert addresses(" ::ffff:192.0.2.1 ") == addresses("192.0.2.1")
    assert addresses(frozenset({"x", 5})) == []


def test_who_shares_the_processor_is_let_through_while_an_index_is_built():
    pauses = 0

    def pause() -> None:
        nonlocal pauses
        pauses += 1

    random = Random(1)
    Matcher(index_pairs.ruleset(random, 300), pause)
    assert pauses > 5


def test_kinds_of_keys_have_a_probe():
    assert set(grow.PROBES) == set(Kind)
