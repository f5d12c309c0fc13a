"""A level tells a lasting change once, and its end once."""

from hypothesis import given
from hypothesis import strategies as st

from hookagent.watch.level import WELL, Level, Reading, judge
from hookagent.watch.wording import duration, size

LEVEL = Level(type="x", hold_ms=5, clear_ms=3)


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=60))
def test_alert_and_recovery_alternate_whatever_is_read(readings):
    standing, now, said = WELL, 1_000, []
    for wait, is_bad in readings:
        now += wait
        standing, alert = judge(LEVEL, standing, Reading(is_bad=is_bad), "s", now)
        if alert is not None:
            said.append(alert)

    kinds = [alert.is_recovery for alert in said]
    assert kinds == [bool(place % 2) for place in range(len(kinds))]
    assert all(said[i].since == said[i - 1].since for i in range(1, len(said), 2))
    assert bool(standing.alerted_at) == (len(said) % 2 == 1)


def test_durations_and_sizes_are_read_by_people():
    assert [duration(ms) for ms in (0, 999, 1_000, 61_000, 3_600_000, 90_000_000, -5)] == [
        "0 s", "0 s", "1 s", "1 min 1 s", "1 h", "1 d 1 h", "0 s",
    ]  # fmt: skip
    assert [size(count) for count in (0, 1023, 1024, 512 * 1024**2, 3 * 1024**4)] == [
        "0 B", "1023 B", "1 KiB", "512 MiB", "3 TiB",
    ]  # fmt: skip
