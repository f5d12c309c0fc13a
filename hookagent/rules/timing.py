"""Reads what a rule says over time: window, throttle, debounce, sequence, absence, calendars."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hookagent.errors import did_you_mean
from hookagent.located import Table, describe
from hookagent.rules.calendar import ALL_DAY, EVERY_DAY, MINUTES_A_DAY, Calendar
from hookagent.rules.conditions import read_references
from hookagent.rules.overtime import Absence, Debounce, Measure, Sequence, Throttle, Window
from hookagent.rules.steps import read_duration
from hookagent.subject import Reference

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")


def read_calendar(name: str, table: Table) -> Calendar:
    """Read one `[calendar.NAME]`."""
    zone = table.text("tz", "UTC")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        table.report(
            "unknown-zone",
            f"`{zone}` is not a time zone",
            key="tz",
            hint='such as "Europe/Berlin" or "UTC"',
        )
        zone = "UTC"
    days = _read_days(table) if "days" in table else EVERY_DAY
    hours = tuple(_read_span(table, text) for text in table.texts("hours"))
    closed = _read_dates(table)
    table.finish()
    return Calendar(name=name, tz=zone, days=days, hours=hours or ALL_DAY, closed=closed)


def _read_days(table: Table) -> frozenset[int]:
    days: set[int] = set()
    for text in table.texts("days"):
        first, _, last = text.lower().partition("-")
        if first not in WEEKDAYS or (last and last not in WEEKDAYS):
            table.report(
                "unknown-day",
                f"`{text}` is neither a weekday nor a span of them",
                key="days",
                hint="such as mon, sat-sun or mon-fri",
            )
            continue
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        days |= {day % 7 for day in range(start, end + 1 if end >= start else end + 8)}
    return frozenset(days)


def _read_span(table: Table, text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    start, end = _minutes(first), _minutes(last)
    if start is not None and end is not None and start < MINUTES_A_DAY and start != end:
        return start, end
    table.report(
        "wrong-hours",
        f"`{text}` is not a span of hours",
        key="hours",
        hint='such as "08:00-18:00", or "22:00-06:00" over midnight',
    )
    return ALL_DAY[0]


def _minutes(text: str) -> int | None:
    """Read a time of day, `24:00` included, in minutes."""
    found = _CLOCK.fullmatch(text.strip())
    minutes = int(found.group(1)) * 60 + int(found.group(2)) if found else None
    return minutes if minutes is None or minutes <= MINUTES_A_DAY else None


def _read_dates(table: Table) -> frozenset[date]:
    listed = table.raw("except", [])
    closed = set()
    for value in listed if isinstance(listed, list) else [listed]:
        try:
            day = value if isinstance(value, date) else date.fromisoformat(value)
        except (TypeError, ValueError):
            table.report(
                "wrong-date",
                f"`{value if isinstance(value, str) else describe(value)}` is not a date",
                key="except",
                hint='such as "2026-12-25"',
            )
            continue
        closed.add(day.date() if isinstance(day, datetime) else day)
    return frozenset(closed)


def calendar_of(table: Table, key: str, calendars: Mapping[str, Calendar]) -> Calendar | None:
    """Read a key that names a calendar."""
    name = table.text(key)
    if not name:
        return None
    if name not in calendars:
        hint = did_you_mean(name, calendars) or f"write [calendar.{name}] with its hours and days"
        table.report("unknown-calendar", f"there is no calendar `{name}`", key=key, hint=hint)
    return calendars.get(name)


def read_window(rule: Table) -> Window | None:
    """Read `window = { count = 5, within = "10m", by = […] }` and its other measures."""
    table = rule.table("window")
    if table is None:
        return None
    measure, field = _measure(table)
    is_at_most = "lte" in table and "gte" not in table
    key = "lte" if is_at_most else "gte" if "gte" in table else "count"
    limit = table.raw(key)
    table.raw("count")
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        table.report(
            "missing-key", *_limit_words(measure, limit), key=key if key in table else None
        )
        limit = 1
    elif measure in {Measure.COUNT, Measure.DISTINCT} and not 1 <= limit <= COUNT_MAX:
        table.report("out-of-range", f"`{key}` must be from 1 to {COUNT_MAX}", key=key)
        limit = 1
    window = Window(
        measure=measure,
        field=field,
        limit=limit,
        is_at_most=is_at_most,
        within_ms=read_duration(table, "within", 60_000, required=True),
        by=read_references(table, "by"),
    )
    table.finish()
    return window


COUNT_MAX = 10_000
"""A window remembers each event it counts; this bounds what one key can take."""


def _limit_words(measure: Measure, limit: Any) -> tuple[str, ...]:
    if limit is None:
        return (f"the window has no limit for its {measure}: `count = N` or `gte = N`",)
    return (f"the limit must be a number, not {describe(limit)}",)


def _measure(table: Table) -> tuple[Measure, Reference | None]:
    for measure in (Measure.SUM, Measure.MIN, Measure.MAX, Measure.DISTINCT):
        if measure in table:
            references = read_references(table, measure)
            return (measure, references[0]) if references else (Measure.COUNT, None)
    return Measure.COUNT, None


def read_throttle(rule: Table) -> Throttle | None:
    """Read `throttle = { once = "24h", by = […] }`."""
    table = rule.table("throttle")
    if table is None:
        return None
    throttle = Throttle(
        once_ms=read_duration(table, "once", 60_000, required=True),
        by=read_references(table, "by"),
    )
    table.finish()
    return throttle


def read_debounce(rule: Table) -> Debounce | None:
    """Read `debounce = { quiet = "30s", at-most = "5m", by = […] }`."""
    table = rule.table("debounce")
    if table is None:
        return None
    quiet = read_duration(table, "quiet", 60_000, required=True)
    at_most = read_duration(table, "at-most", 0)
    if at_most and at_most < quiet:
        table.report("contradiction", "`at-most` is shorter than `quiet`", key="at-most")
    debounce = Debounce(
        quiet_ms=quiet,
        at_most_ms=at_most or None,
        by=read_references(table, "by"),
    )
    table.finish()
    return debounce


def read_sequence(rule: Table) -> tuple[Sequence, Table] | None:
    """Read `sequence`; the second value is the table of the follow-up's own conditions."""
    table = rule.table("sequence")
    if table is None:
        return None
    then, without = table.table("then"), table.table("without")
    follow = then or without
    within = read_duration(table, "within", 60_000, required=True)
    by = read_references(table, "by")
    table.finish()
    if follow is None or (then and without):
        table.report(
            "wrong-sequence",
            "a sequence has either `then` or `without`: the event that follows, or must not",
            hint='then = { on = "SOURCE/TYPE" }',
        )
        return None
    follow_by = read_references(follow, "by")
    if follow_by and len(follow_by) != len(by):
        follow.report("wrong-sequence", "`by` must name as many fields as the sequence's", key="by")
    return (
        Sequence(within_ms=within, is_without=then is None, by=by, follow_by=follow_by or by),
        follow,
    )


def read_absence(rule: Table, calendars: Mapping[str, Calendar]) -> Absence | None:
    """Read `absence = { after = "26h", by = […], active = "CALENDAR" }`."""
    table = rule.table("absence")
    if table is None:
        return None
    at = tuple(sorted(_read_clock(table, text) for text in table.texts("at")))
    if ("after" in table) == ("at" in table):
        table.report(
            "wrong-absence",
            "an absence needs either `after` (a duration) or `at` (times of day)",
            hint='after = "26h", or at = "06:00"',
        )
    absence = Absence(
        after_ms=read_duration(table, "after", 0),
        at=at,
        grace_ms=read_duration(table, "grace", 0),
        by=read_references(table, "by"),
        active=calendar_of(table, "active", calendars),
        recovery=table.boolean("recovery"),
    )
    table.finish()
    return absence


def _read_clock(table: Table, text: str) -> int:
    minutes = _minutes(text)
    if minutes is None or minutes == MINUTES_A_DAY:
        table.report(
            "wrong-time", f"`{text}` is not a time of day", key="at", hint='such as "06:00"'
        )
        return 0
    return minutes
