"""Calendars: named hours of named days in a time zone, with exceptions.

    [calendar.business-hours]
    tz = "Europe/Berlin"
    days = ["mon-fri"]
    hours = ["08:00-18:00"]
    except = ["2026-12-25"]

Pure: a moment is Unix milliseconds, and the zone's rules come with Python.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTES_A_DAY = 1440
EVERY_DAY = frozenset(range(7))
ALL_DAY = ((0, MINUTES_A_DAY),)
LOOK_AHEAD_DAYS = 400
"""A calendar that is closed for longer than this is closed for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When something is active. Hours that end before they begin reach into the next day."""

    name: str
    tz: str = "UTC"
    days: frozenset[int] = EVERY_DAY
    """Weekdays, Monday 0."""
    hours: tuple[tuple[int, int], ...] = ALL_DAY
    """Spans of minutes of the day, the end not included."""
    closed: frozenset[date] = frozenset()
    """Days that are not active whatever their weekday; the TOML key is `except`."""

    def is_open(self, moment: int) -> bool:
        """Whether a moment lies in the active hours."""
        local = self._local(moment)
        minute = local.hour * 60 + local.minute
        today, yesterday = local.date(), local.date() - timedelta(days=1)
        for start, end in self.hours:
            if start < end:
                if start <= minute < end and self.is_open_day(today):
                    return True
            elif (minute >= start and self.is_open_day(today)) or (
                minute < end and self.is_open_day(yesterday)
            ):
                return True
        return False

    def is_open_day(self, day: date) -> bool:
        """Whether a day has active hours at all."""
        return day.weekday() in self.days and day not in self.closed

    def opened_ms(self, start: int, end: int) -> int:
        """How much of the time from `start` to `end` was active."""
        return sum(
            max(0, min(end, closes) - max(start, opens))
            for opens, closes in self._spans(start, end)
        )

    def after_open_ms(self, start: int, wanted: int) -> int | None:
        """Return when `wanted` milliseconds of active time will have passed since `start`.

        None where the calendar does not open often enough within `LOOK_AHEAD_DAYS`.
        """
        horizon = start + LOOK_AHEAD_DAYS * 86_400_000
        for opens, closes in self._spans(start, horizon):
            length = closes - max(start, opens)
            if length >= wanted:
                return max(start, opens) + wanted
            wanted -= max(0, length)
        return None

    def moment_of(self, day: date, minute: int) -> int:
        """Return the moment of a minute of a local day."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.tz))
        local = midnight + timedelta(minutes=minute)  # wall-clock arithmetic, as people mean it
        return round(local.timestamp() * 1000)

    def day_of(self, moment: int) -> date:
        """Return the local day of a moment."""
        return self._local(moment).date()

    def _local(self, moment: int) -> datetime:
        return datetime.fromtimestamp(moment / 1000, UTC).astimezone(ZoneInfo(self.tz))

    def _spans(self, start: int, end: int) -> list[tuple[int, int]]:
        """List the active spans that touch a stretch of time, merged and in order."""
        day = self.day_of(start) - timedelta(days=1)
        last = self.day_of(end)
        spans: list[tuple[int, int]] = []
        while day <= last:
            if self.is_open_day(day):
                spans.extend(self._day_spans(day))
            day += timedelta(days=1)
        return [span for span in _merged(sorted(spans)) if span[1] > start and span[0] < end]

    def _day_spans(self, day: date) -> list[tuple[int, int]]:
        return [
            (
                self.moment_of(day, start),
                self.moment_of(day, end if start < end else end + MINUTES_A_DAY),
            )
            for start, end in self.hours
        ]


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join spans that touch or overlap."""
    merged: list[tuple[int, int]] = []
    for opens, closes in spans:
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(closes, merged[-1][1]))
        else:
            merged.append((opens, closes))
    return merged
