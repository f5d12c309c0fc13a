"""Timers of keys."""

from hookagent.rules.timers import Timers


def test_timers_come_in_their_order_and_once():
    timers = Timers()
    for at, name in [(5, "a"), (3, "b"), (9, "a"), (4, "a")]:
        timers.set(("r", name), at)

    assert (timers.next_at, timers.pop(2)) == (3, None)
    assert [timers.pop(10), timers.pop(10), timers.pop(10)] == [("r", "b"), ("r", "a"), None]
