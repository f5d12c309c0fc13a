"""Who has to go when there is no room: the one that uses its place least.

A crowd of idle or dribbling strangers so pushes out its own, and a sender that comes with its
whole request finds room (SECURITY H3 to H6).
"""

import asyncio
from collections.abc import Iterable
from itertools import islice
from typing import Protocol, TypeVar

BODY_GRACE_S = 0.25
"""A body that has only just begun is not judged slow."""
JUDGED_MAX = 1_024
"""As many are compared; with more of them, any so many."""


class Reading:
    """A body on its way in."""

    __slots__ = ("limit", "since", "size")

    def __init__(self, since: float, limit: asyncio.Timeout) -> None:
        self.since = since
        """By the loop's clock, in seconds."""
        self.limit = limit
        self.size = 0
        """Bytes that came so far."""

    def give_up(self, now: float) -> None:
        """Let its time be over; it is not chosen again."""
        self.since = float("inf")
        self.limit.reschedule(now)


class Held(Protocol):
    """A connection as it is judged here."""

    is_busy: bool
    """Whether a request is under way."""
    deadline: float
    """When its wait for a request is over; the longest wait has the earliest."""
    reading: Reading | None


H = TypeVar("H", bound=Held)


def longest_waiting(connections: Iterable[H]) -> H | None:
    """Return the connection that has waited longest for a request, None where none waits."""
    waiting = (one for one in islice(connections, JUDGED_MAX) if not one.is_busy)
    return min(waiting, key=lambda one: one.deadline, default=None)


def slowest_body(connections: Iterable[Held], now: float) -> Reading | None:
    """Return the body that comes slowest, None where all have only just begun."""
    reading = (one.reading for one in islice(connections, JUDGED_MAX) if one.reading is not None)
    old = [one for one in reading if now - one.since >= BODY_GRACE_S]
    return min(old, key=lambda one: one.size / (now - one.since), default=None)
