"""Calendars: hours, weekdays, exceptions, time zones and the days they change."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from hookagent.eventfile import parse_time
from hookagent.rules.calendar import Calendar

OFFICE = Calendar(
    name="office",
    tz="Europe/Berlin",
    days=frozenset(range(5)),
    hours=((8 * 60, 18 * 60),),
    closed=frozenset({date(2026, 12, 25)}),
)
NIGHT = Calendar(name="night", hours=((22 * 60, 6 * 60),), days=frozenset({4}))
HOUR = 3_600_000


def at(text):
    return parse_time(text)


def test_hours_are_local_and_the_end_is_not_included():
    assert OFFICE.is_open(at("2026-01-30T07:00:00Z"))
    assert not OFFICE.is_open(at("2026-01-30T06:59:59Z"))
    assert not OFFICE.is_open(at("2026-01-30T17:00:00Z"))
    assert OFFICE.is_open(at("2026-07-01T06:00:00Z")), "summer time"


def test_weekends_and_exceptions_are_closed():
    assert not OFFICE.is_open(at("2026-01-31T10:00:00Z"))
    assert not OFFICE.is_open(at("2026-12-25T10:00:00Z"))


def test_hours_over_midnight_belong_to_the_day_they_begin_on():
    assert NIGHT.is_open(at("2026-01-30T23:00:00Z"))
    assert NIGHT.is_open(at("2026-01-31T05:59:00Z"))
    assert not NIGHT.is_open(at("2026-01-31T23:00:00Z"))
    assert not NIGHT.is_open(at("2026-01-30T05:00:00Z"))


def test_active_time_leaves_nights_and_weekends_out():
    friday_noon, monday_ten = at("2026-01-30T12:00:00+01:00"), at("2026-02-02T10:00:00+01:00")

    assert OFFICE.opened_ms(friday_noon, monday_ten) == 8 * HOUR
    assert OFFICE.after_open_ms(friday_noon, 8 * HOUR) == monday_ten
    assert OFFICE.after_open_ms(at("2026-01-31T12:00:00Z"), HOUR) == at("2026-02-02T09:00:00+01:00")


def test_a_day_of_23_hours_has_23():
    always = Calendar(name="always", tz="Europe/Berlin")
    start, end = at("2026-03-29T00:00:00+01:00"), at("2026-03-30T00:00:00+02:00")

    assert always.opened_ms(start, end) == 23 * HOUR


def test_a_calendar_that_never_opens_says_so():
    assert Calendar(name="never", days=frozenset()).after_open_ms(0, 1) is None


@given(st.integers(0, 2 * 10**12), st.integers(1, 40 * 24 * HOUR))
def test_what_will_have_passed_has_passed(start, wanted):
    end = OFFICE.after_open_ms(start, wanted)

    assert end is not None
    assert OFFICE.opened_ms(start, end) == wanted
    assert OFFICE.is_open(end - 1)
