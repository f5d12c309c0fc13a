"""The rate of one source held against its own recent hours.

Counts of five minutes are compared with the median of the last three hours of them. Nothing is
judged before an hour of counts is known. While an alert is open its counts are not learned, so an
outage does not become the usual; a change that lasts six hours does.
"""

from enum import StrEnum

import msgspec

from hookagent.watch.statistics import Usual, usual_of

BUCKET_MS = 300_000
KEPT = 36
"""Three hours of buckets."""
LEAST = 12
"""One hour: fewer say nothing about what is usual."""
FLOOR = 100
"""A spike of fewer in five minutes is nobody's concern: a push with its checks is fifty events."""
SPIKE_TIMES = 2.5
"""A spike is also so many times the usual: a morning's rise is not one."""
DROP_PART = 0.25
"""A drop is also below this part of the usual: an evening's decline is not one."""
ADOPTED_MS = 6 * 3_600_000
"""A change that lasts so long is the new usual."""


class Change(StrEnum):
    """How a count compares."""

    USUAL = "usual"
    SPIKE = "spike"
    DROP = "drop"


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """The recent past of one source, oldest first."""

    samples: tuple[int, ...] = ()

    @property
    def usual(self) -> Usual | None:
        """What is usual here, None while too little is known."""
        return usual_of(self.samples) if len(self.samples) >= LEAST else None

    def learn(self, count: int) -> "Counts":
        """Take one more bucket, forgetting the oldest."""
        return Counts(samples=(*self.samples, count)[-KEPT:])


def compare(counts: Counts, count: int, sensitivity: float) -> Change:
    """Say whether a bucket is unusual: further than `sensitivity` spreads from the median."""
    usual = counts.usual
    if usual is None:
        return Change.USUAL
    far = sensitivity * usual.spread
    if count >= FLOOR and count > usual.median + far and count > SPIKE_TIMES * usual.median:
        return Change.SPIKE
    if count < usual.median - far and count < DROP_PART * usual.median:
        return Change.DROP
    return Change.USUAL
