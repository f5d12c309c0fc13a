"""What a rule says over time, as values."""

from datetime import date

from hookagent.rules.overtime import Absence, Debounce, Measure, Sequence, Throttle, Window
from hookagent.rules.scope import read_reference
from tests.rules.events import rule_of, rules_of

BY = (read_reference("a.b"), read_reference("@source"))
MINUTE = 60_000


def test_windows():
    by = 'within = "10m", by = ["a.b", "@source"]'

    assert rule_of(f"window = {{ count = 5, {by} }}").window == Window(
        limit=5, within_ms=10 * MINUTE, by=BY
    )
    assert rule_of(f'window = {{ distinct = "u", count = 3, {by} }}').window == Window(
        measure=Measure.DISTINCT,
        field=read_reference("u"),
        limit=3,
        within_ms=10 * MINUTE,
        by=BY,
    )
    assert rule_of(f'window = {{ min = "u", lte = 0.5, {by} }}').window == Window(
        measure=Measure.MIN,
        field=read_reference("u"),
        limit=0.5,
        is_at_most=True,
        within_ms=10 * MINUTE,
        by=BY,
    )


def test_throttle_and_debounce():
    rule = rule_of(
        'throttle = { once = "1m" }\ndebounce = { quiet = "1s", at-most = "1m", by = "a.b" }'
    )

    assert rule.throttle == Throttle(once_ms=MINUTE)
    assert rule.debounce == Debounce(quiet_ms=1_000, at_most_ms=MINUTE, by=BY[:1])


def test_a_sequence_has_a_second_half():
    rule = rule_of('sequence = { within = "1m", by = "a.b", without = { on = "x/y", by = "c" } }')

    assert rule.sequence == Sequence(
        within_ms=MINUTE, is_without=True, by=BY[:1], follow_by=(read_reference("c"),)
    )
    assert rule.follow is not None
    assert (rule.follow.name, str(rule.follow.on[0]), rule.follow.do) == ("r", "x/y", ())


def test_absence_and_calendars():
    rules = rules_of(
        """
        [calendar.office]
        tz = "Europe/Berlin"
        days = ["mon-wed", "sat"]
        hours = ["08:00-12:00", "22:00-06:00"]
        except = ["2026-12-25", 2026-12-26]
        [rule.r]
        absence = { at = ["18:30", "06:00"], grace = "10m", by = "a.b", active = "office", recovery = true }
        do = [{ action = "log" }]
        """,
    )
    office = rules.calendars["office"]

    assert office.days == {0, 1, 2, 5}
    assert office.hours == ((480, 720), (1320, 360))
    assert office.closed == {date(2026, 12, 25), date(2026, 12, 26)}
    assert rules.rules[0].absence == Absence(
        at=(360, 1110), grace_ms=10 * MINUTE, by=BY[:1], active=office, recovery=True
    )


def test_a_span_of_days_may_go_over_the_weekend():
    text = '[calendar.c]\ndays = "fri-mon"\n[rule.r]\ndo = [{ action = "log" }]'

    assert rules_of(text).calendars["c"].days == {4, 5, 6, 0}
