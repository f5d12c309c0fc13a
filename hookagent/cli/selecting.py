"""Selections on the command line: `--since 2h --type 'invoice.*'` as the store's filter."""

from typing import TYPE_CHECKING

from hookagent.errors import UsageError
from hookagent.eventfile import parse_time
from hookagent.located import parse_duration

if TYPE_CHECKING:
    from hookagent.store.base import EventFilter

LIMIT = 50
BULK_LIMIT = 10_000
"""How many a selection may take where no limit is given."""


def read_moment(text: str, *, now: int, option: str) -> int:
    """Read `2h`, `7d` (ago) or an RFC 3339 time into Unix milliseconds. Raises UsageError."""
    if not text:
        return 0
    duration = parse_duration(text)
    if duration is not None:
        return now - duration
    try:
        return parse_time(text)
    except ValueError:
        raise UsageError(
            f"`{option} {text}` is not a time",
            hint="write 30m, 2h, 7d, or a time such as 2026-01-31T12:00",
        ) from None


def event_filter(
    *,
    now: int,
    source: str = "",
    type: str = "",  # noqa: A002 - the filter's own word
    status: str = "",
    since: str = "",
    until: str = "",
    rule: str = "",
    verdict: str = "",
    text: str = "",
    limit: int | None = None,
) -> "EventFilter":
    """Make the store's filter from what was typed. Raises UsageError."""
    from hookagent.pipeline.history import check_status
    from hookagent.store.base import EventFilter

    check_status(status)

    return EventFilter(
        source=source,
        type=type,
        status=status,
        since=read_moment(since, now=now, option="--since"),
        until=read_moment(until, now=now, option="--until"),
        rule=rule,
        verdict=verdict,
        text=text,
        limit=limit or BULK_LIMIT,
    )
