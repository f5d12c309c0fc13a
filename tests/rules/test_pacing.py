"""Throttles and debounces, played event by event."""

import pytest

from tests.rules.play import Play

BOTH = pytest.mark.parametrize("timers", [True, False], ids=["with timers", "timers late"])


@BOTH
def test_a_throttle_fires_first_and_then_holds_back(timers):
    play = Play('throttle = { once = "10m", by = "k" }', timers=timers)

    for minute in (0, 1, 9.9, 10, 11):
        play.event(minute, {"k": 1})
    play.event(12, {"k": 2})

    assert play.fired == [(0, "e1"), (10, "e4"), (12, "e6")]
    assert [facts["throttle"]["suppressed"] for facts in play.facts] == [0, 2, 0]
    assert play.facts[0]["key"] == {"k": 1}


@BOTH
def test_a_debounce_fires_for_the_last_event_once_it_is_quiet(timers):
    play = Play('debounce = { quiet = "5m" }', timers=timers)

    for minute in (0, 4, 8, 20):
        play.event(minute)
    play.until(60)

    assert play.fired == [(13, "e3"), (25, "e4")]
    assert play.facts[0]["debounce"]["count"] == 3
    assert play.states == {}


@BOTH
def test_a_debounce_waits_no_longer_than_it_may(timers):
    play = Play('debounce = { quiet = "5m", at-most = "12m" }', timers=timers)

    for minute in range(0, 30, 3):
        play.event(minute)
    play.until(60)

    assert play.times == [12, 24, 32]
