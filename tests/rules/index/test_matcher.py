"""The index gives what looking at every rule gives."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookagent.rules import evaluate
from hookagent.rules.index import Matcher
from tests.rules.index import pairs

SIZES = (1, 4, 12, 40, 120)
EVENTS = 20


def agree_on(seed: int) -> int:
    """Hold the index against the plain loop on one rule set; return how many pairs that were."""
    random = Random(seed)
    ruleset = pairs.ruleset(random, random.choice(SIZES))
    matcher = Matcher(ruleset)
    for _ in range(EVENTS):
        event = pairs.event(random)
        assert matcher.match(event) == evaluate.select(ruleset, event), f"seed {seed}"
        assert matcher.followers(event) == evaluate.followers(ruleset, event), f"seed {seed}"
    return EVENTS


def test_index_and_loop_agree_on_generated_pairs():
    assert sum(agree_on(seed) for seed in range(100)) == 2_000


@settings(max_examples=20)
@given(st.integers(min_value=10_000))
def test_index_and_loop_agree_on_any_seed(seed):
    agree_on(seed)


@pytest.mark.long
def test_index_and_loop_agree_on_a_hundred_thousand_generated_pairs():
    assert sum(agree_on(seed) for seed in range(1_000, 6_000)) == 100_000
