"""The index agrees with the plain loop whatever shape it grows into."""

from random import Random

import pytest

from hookagent.rules import evaluate
from hookagent.rules.index import Matcher, grow, probes
from hookagent.rules.index.access import Kind
from tests.rules.index import pairs

SHAPES = {
    "only branches": {(grow, "LEAF_MAX"): 0, (grow, "SHARE_MIN"): 10_000, (grow, "COVERED_MIN"): 1},
    "only probes": {
        (grow, "LEAF_MAX"): 0,
        (grow, "WIDE_MIN"): 0,
        (grow, "COVERED_MIN"): 10**9,
        (grow, "SIEVE_MIN"): 0,
    },
    "only grams": {
        (grow, "COVERED_MIN"): 10**9,
        (grow, "LEAF_MAX"): 0,
        (grow, "WIDE_MIN"): 0,
        (probes, "FEW"): 0,
    },
    "only leaves": {(grow, "LEAF_MAX"): 10**9},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_agrees_with_the_loop(shape, monkeypatch):
    for (module, name), value in SHAPES[shape].items():
        monkeypatch.setattr(module, name, value)
    for seed in range(30):
        random = Random(seed + 10_000)
        ruleset = pairs.ruleset(random, random.choice((3, 30, 90)))
        matcher = Matcher(ruleset)
        for _ in range(10):
            event = pairs.event(random)
            assert matcher.match(event) == evaluate.select(ruleset, event), f"seed {seed}"


def test_who_shares_the_processor_is_let_through_while_an_index_is_built():
    pauses = 0

    def pause() -> None:
        nonlocal pauses
        pauses += 1

    random = Random(1)
    Matcher(pairs.ruleset(random, 300), pause)
    assert pauses > 5


def test_kinds_of_keys_have_a_probe():
    assert set(grow.PROBES) == set(Kind)
