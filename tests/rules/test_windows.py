"""Rules over time as a whole: throttles on top, late timers, nothing to remember."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.play import Play


def test_a_rule_that_does_not_speak_of_time_fires_at_once():
    play = Play("")

    play.event(0)
    play.event(1)

    assert play.fired == [(0, "e1"), (1, "e2")]
    assert play.states == {}


THEN = (
    'sequence = { within = "1h", by = "o", then = { on = "github/shipped" } }\non = "github/push"'
)
WITHOUT = THEN.replace("then", "without")


def test_a_throttle_holds_timers_back_as_well():
    play = Play('debounce = { quiet = "1m", by = "k" }\nthrottle = { once = "10m", by = "k" }')

    for minute in (0, 2, 4, 12):
        play.event(minute, {"k": 1})
    play.event(12, {"k": 2})
    play.until(60)

    assert play.fired == [(1, "e1"), (13, "e4"), (13, "e5")]
    assert play.facts[1]["throttle"]["suppressed"] == 2


SPECS = [
    'window = { count = 2, within = "5m", by = "k" }',
    'window = { distinct = "v", count = 2, within = "5m" }',
    'throttle = { once = "5m", by = "k" }',
    'debounce = { quiet = "3m", at-most = "7m", by = "k" }',
    'absence = { after = "4m", by = "k", recovery = true }',
    'sequence = { within = "5m", by = "k", then = { when = { v = 1 } } }',
    'sequence = { within = "5m", by = "k", without = { when = { v = 1 } } }',
    'debounce = { quiet = "3m" }\nthrottle = { once = "9m" }',
]


@pytest.mark.parametrize("spec", SPECS)
@given(
    gaps=st.lists(st.integers(0, 9), max_size=12),
    values=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2)), min_size=12, max_size=12),
)
def test_late_timers_change_nothing_but_the_order_of_telling(spec, gaps, values):
    punctual, late = Play(spec), Play(spec, timers=False)
    minute = 0
    for gap, (key, value) in zip(gaps, values, strict=False):
        minute += gap
        for play in (punctual, late):
            play.event(minute, {"k": key, "v": value})
    for play in (punctual, late):
        play.until(minute + 600)

    assert sorted(punctual.fired) == sorted(late.fired)
    assert all(due == 0 for _, due in punctual.states.values()), "only alerts that were told remain"
