"""A level: something is well or it is not, and only a lasting change is told.

    well ──bad for `hold_ms`──> alerted ──good for `clear_ms`──> well

One alert for each stay, reminders where they are wanted, one recovery.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from hookagent.watch.alert import RECOVERED, Alert
from hookagent.watch.wording import duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What kind of alert, and how patient."""

    type: str
    hold_ms: int = 0
    """How long it must be bad."""
    clear_ms: int = 0
    """How long it must be good again, so that a flapping thing is one alert."""
    remind_ms: int = 0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a level remembers; all times Unix milliseconds, 0 for not so."""

    bad_since: int = 0
    good_since: int = 0
    """While an alert is open: from when it looked well again."""
    alerted_at: int = 0
    reminders: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the thing is now, and what to say of it."""

    is_bad: bool
    message: str = ""
    well: str = "it is well again"
    hint: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


WELL = Standing()


def judge(
    level: Level, standing: Standing, reading: Reading, subject: str, now: int
) -> tuple[Standing, Alert | None]:
    """Take one reading: the next standing, and what there is to say."""
    if reading.is_bad:
        return _bad(level, standing, reading, subject, now)
    return _good(level, standing, reading, subject, now)


def _bad(
    level: Level, standing: Standing, reading: Reading, subject: str, now: int
) -> tuple[Standing, Alert | None]:
    since = standing.bad_since or now
    told = msgspec.structs.replace(standing, bad_since=since, good_since=0)
    if not standing.alerted_at:
        if now - since < level.hold_ms:
            return told, None
        told = msgspec.structs.replace(told, alerted_at=now)
        return told, _alert(level, reading, subject, now, since, 0)
    reminders = (now - standing.alerted_at) // level.remind_ms if level.remind_ms else 0
    if reminders <= standing.reminders:
        return told, None
    told = msgspec.structs.replace(told, reminders=reminders)
    return told, _alert(level, reading, subject, now, since, reminders)


def _alert(  # noqa: PLR0913, PLR0917 - the parts of one sentence
    level: Level, reading: Reading, subject: str, now: int, since: int, reminder: int
) -> Alert:
    return Alert(
        type=level.type,
        subject=subject,
        at=now,
        since=since,
        message=reading.message,
        hint=reading.hint,
        reminder=reminder,
        facts=reading.facts,
    )


def _good(
    level: Level, standing: Standing, reading: Reading, subject: str, now: int
) -> tuple[Standing, Alert | None]:
    if not standing.alerted_at:
        return WELL, None
    since = standing.good_since or now
    if now - since < level.clear_ms:
        return msgspec.structs.replace(standing, good_since=since), None
    lasted = since - standing.bad_since
    recovery = Alert(
        type=RECOVERED,
        watch=level.type,
        subject=subject,
        at=now,
        since=standing.bad_since,
        message=f"`{subject}`: {reading.well}, after {duration(lasted)}",
        facts=reading.facts | {"lasted_ms": lasted},
    )
    return WELL, recovery
