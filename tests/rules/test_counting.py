"""Windows, played event by event."""

import pytest

from tests.rules.play import Play

BOTH = pytest.mark.parametrize("timers", [True, False], ids=["with timers", "timers late"])


@BOTH
def test_a_window_fires_when_it_is_full_and_counts_anew(timers):
    play = Play('window = { count = 3, within = "10m" }', timers=timers)

    for minute in (0, 4, 11, 13, 14, 15, 16):
        play.event(minute)

    assert play.fired == [(13, "e4"), (16, "e7")]
    assert play.facts[0]["window"] == {
        "count": 3,
        "within": "10m",
        "first_at": "2026-01-31T12:04:00.000Z",
        "last_at": "2026-01-31T12:13:00.000Z",
    }


def test_a_window_counts_per_key():
    play = Play('window = { count = 2, within = "10m", by = ["a.host", "@type"] }')

    play.event(0, {"a": {"host": "x"}})
    play.event(1, {"a": {"host": "y"}})
    play.event(2, {"a": {"host": "x"}})

    assert play.fired == [(2, "e3")]
    assert play.facts[0]["key"] == {"a": {"host": "x"}, "host": "x", "type": "push"}


@pytest.mark.parametrize(
    ("spec", "values", "fires"),
    [
        ('sum = "n", gte = 10', [4, "x", 5, 1, 9, 1], [3, 5]),
        ('max = "n", gte = 5', [1, 5, 4], [1]),
        ('min = "n", lte = 0', [1, 0, 2], [1]),
        ('distinct = "n", count = 3', [1, True, 1.0, "1", 1, 2, 3], [3, 6]),
        ('sum = "n", gte = 6', [[1, 2], [3]], [1]),
    ],
)
def test_a_window_measures_a_field(spec, values, fires):
    play = Play(f'window = {{ {spec}, within = "1h" }}')

    for minute, value in enumerate(values):
        play.event(minute, {"n": value})

    assert play.times == fires
    assert play.facts[0]["window"][spec.split()[0]] is not None


def test_a_window_takes_events_that_come_out_of_order():
    play = Play('window = { count = 3, within = "10m" }', timers=False)

    for minute in (5, 30, 6, 35):
        play.event(minute)

    assert play.fired == []
    play.event(31)
    assert play.fired == [(31, "e5")]
