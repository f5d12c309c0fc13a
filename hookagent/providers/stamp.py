"""The sender's timestamp: read strictly, judged against the clock in both directions."""

import re
from datetime import UTC, datetime, timedelta, timezone

from hookagent.providers.refusal import Refusal
from hookagent.verdict import Code

SECONDS_DIGITS_MAX = 11
MILLISECONDS_DIGITS_MAX = 14
_DATE = rb"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?"
_RFC3339 = re.compile(_DATE + rb"(?:([Zz])|([+-])(\d\d):?(\d\d))", re.ASCII)
_NAIVE = re.compile(_DATE + rb"[Zz]?", re.ASCII)


def parse_stamp(text: bytes, form: str) -> int | None:
    """Read a timestamp into Unix milliseconds; None for anything not written as it must be."""
    if form == "unix":
        return _digits(text, SECONDS_DIGITS_MAX, 1000)
    if form == "unix-ms":
        return _digits(text, MILLISECONDS_DIGITS_MAX, 1)
    found = (_RFC3339 if form == "rfc3339" else _NAIVE).fullmatch(text)
    if not found:
        return None
    groups = found.groups()
    zone = _zone(groups) if form == "rfc3339" else UTC
    fraction = int((groups[6] or b"0").ljust(9, b"0")) // 1000
    try:
        moment = datetime(*(int(group) for group in groups[:6]), fraction, tzinfo=zone)  # type: ignore[arg-type, misc]  # six numbers, then microseconds
        return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _zone(groups: tuple[bytes, ...]) -> timezone:
    if groups[7]:
        return UTC
    minutes = int(groups[9]) * 60 + int(groups[10])
    sign = -1 if groups[8] == b"-" else 1
    return timezone(sign * timedelta(minutes=min(minutes, 1439)))


def _digits(text: bytes, most: int, factor: int) -> int | None:
    """Plain ASCII digits without a sign, a space or a leading zero."""
    if not text.isdigit() or len(text) > most or (text[:1] == b"0" and len(text) > 1):
        return None
    return int(text) * factor


def format_stamp(now: int, form: str) -> str:
    """Write Unix milliseconds as a sender does."""
    if form == "unix":
        return str(now // 1000)
    if form == "unix-ms":
        return str(now)
    moment = datetime.fromtimestamp(now // 1000, UTC)
    text = f"{moment:%Y-%m-%dT%H:%M:%S}.{now % 1000:03d}"
    return text if form == "iso-utc" else text + "Z"


def check_age(signed_at: int, now: int, tolerance_ms: int) -> None:
    """Refuse a timestamp outside the tolerance; 0 switches it off."""
    if not tolerance_ms:
        return
    late = now - signed_at
    if late > tolerance_ms:
        raise Refusal(Code.STALE, f"signed {_span(late)} ago, {_allowed(tolerance_ms)}")
    if -late > tolerance_ms:
        detail = f"signed {_span(-late)} in the future, {_allowed(tolerance_ms)}"
        raise Refusal(Code.AHEAD, detail)


_LONG = (("days", 86_400_000), ("h", 3_600_000), ("min", 60_000))
"""Units for what nobody counts in seconds; each from twice its length on."""
SECONDS_SHOWN_MS = 600_000
"""Up to here seconds are said, beside a tolerance that is said in seconds."""


def _span(milliseconds: int) -> str:
    if milliseconds > SECONDS_SHOWN_MS:
        for unit, length in _LONG:
            if milliseconds >= 2 * length:
                return f"{milliseconds // length} {unit}"
    return f"{_seconds(milliseconds)} s"


def _seconds(milliseconds: int) -> str:
    return (
        f"{milliseconds / 1000:.0f}" if milliseconds % 1000 == 0 else f"{milliseconds / 1000:.1f}"
    )


def _allowed(tolerance_ms: int) -> str:
    return f"{_seconds(tolerance_ms)} s are allowed"
