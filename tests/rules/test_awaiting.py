"""Sequences and absences, played event by event."""

import pytest

from tests.rules.events import rules_of
from tests.rules.play import Play

BOTH = pytest.mark.parametrize("timers", [True, False], ids=["with timers", "timers late"])
THEN = (
    'sequence = { within = "1h", by = "o", then = { on = "github/shipped" } }\non = "github/push"'
)
WITHOUT = THEN.replace("then", "without")


@BOTH
def test_a_sequence_fires_at_its_second_event(timers):
    play = Play(THEN, timers=timers)

    play.event(0, {"o": 1})
    play.event(1, {"o": 2}, type="shipped")
    play.event(2, {"o": 1}, type="shipped")
    play.event(3, {"o": 1}, type="shipped")
    play.event(10, {"o": 1})
    play.event(71, {"o": 1}, type="shipped")

    assert play.fired == [(2, "e3")]
    assert play.facts[0]["sequence"] == {
        "first": {"id": "e1", "at": "2026-01-31T12:00:00.000Z"},
        "elapsed": "2m",
        "followed": True,
    }


@BOTH
def test_a_sequence_without_fires_for_the_first_event_when_its_time_is_over(timers):
    play = Play(WITHOUT, timers=timers)

    play.event(0, {"o": 1})
    play.event(5, {"o": 2})
    play.event(10, {"o": 1})
    play.event(20, {"o": 2}, type="shipped")
    play.event(90, {"o": 1}, type="shipped")
    play.until(200)

    assert play.fired == [(60, "e1")]


def test_a_follow_up_that_is_also_a_beginning_closes_first():
    play = Play('sequence = { within = "1h", then = { when = { a = 1 } } }')

    play.event(0, {"a": 1})
    play.event(1, {"a": 1})

    assert play.fired == [(1, "e2")]


@BOTH
def test_an_absence_fires_once_until_something_comes(timers):
    play = Play('absence = { after = "1h", grace = "5m", by = "host" }', timers=timers)

    play.event(0, {"host": "x"})
    play.event(30, {"host": "x"})
    if timers:
        play.until(1_000)
    play.event(1_000, {"host": "x"})
    play.event(1_010, {"host": "x"})

    assert play.fired == [(95, "e2")]
    assert play.facts[0]["absence"] == {
        "last_event": "e2",
        "last_at": "2026-01-31T12:30:00.000Z",
        "expected_by": "2026-01-31T13:35:00.000Z",
        "elapsed": "1h5m",
        "late": False,
        "recovered": False,
    }


@BOTH
def test_an_absence_can_tell_of_recovery_and_then_alerts_again(timers):
    play = Play('absence = { after = "1h", recovery = true }', timers=timers)

    play.event(0)
    play.event(90)
    play.until(400)

    assert play.fired == [(60, "e1"), (90, "e2"), (150, "")]
    assert [facts["absence"]["recovered"] for facts in play.facts] == [False, True, False]
    assert play.facts[2]["absence"]["last_event"] == "e2"


def test_a_night_of_our_own_sleep_is_not_everybody_elses_silence():
    play = Play('absence = { after = "1h", by = "host" }', timers=False)
    for host in range(100):
        play.event(0, {"host": host})

    play.wake(600)
    for host in range(99):
        play.event(601, {"host": host})
    play.until(605)
    assert play.fired == []

    play.until(640)
    assert play.fired == [(610, "e100")]
    assert play.facts[0]["absence"]["late"] is True

    play.until(5_000)
    assert len(play.fired) == 100, "the others are silent from then on, each told once"


def test_an_absence_counts_active_hours_only():
    rules = rules_of(
        """
        [calendar.office]
        days = "mon-fri"
        hours = "08:00-18:00"
        [rule.r]
        absence = { after = "2h", active = "office" }
        do = [{ action = "log" }]
        """,
    )
    play = Play(rules.rules[0])

    play.event(-24 * 60 + 5 * 60)  # Friday, 17:00
    play.until(7 * 24 * 60)

    assert play.times == [45 * 60], "Monday, 09:00"


def test_an_absence_may_go_by_the_time_of_day():
    play = Play('absence = { at = ["06:00", "18:00"], grace = "30m" }')

    play.event(0)  # before 18:00 on the first day
    play.event(18 * 60 + 20)  # at 06:20, late within the grace
    play.until(48 * 60)

    assert play.times == [30.5 * 60], "18:30 on the second day"
