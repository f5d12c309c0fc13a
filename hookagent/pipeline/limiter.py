"""Counts failed verifications per address, so that guessing costs the guesser and nobody else.

Genuine events never count: they are bounded by the queue and the disk, not by a rate.
"""

from collections import OrderedDict

ADDRESSES_MAX = 10_000
"""Addresses remembered; beyond it the one seen longest ago is forgotten."""
MINUTE_MS = 60_000


class FailureLimiter:
    """A token bucket per address, filled once a minute in full."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def failed(self, address: str, now: int) -> bool:
        """Count one failure; False when the address has had more than its share.

        `now` is Unix milliseconds.
        """
        bucket = self._buckets.pop(address, (float(self._per_minute), now))
        level = self._level(bucket, now)
        self._buckets[address] = (max(level - 1, 0.0), now)
        if len(self._buckets) > ADDRESSES_MAX:
            self._buckets.popitem(last=False)
        return level >= 1

    def _level(self, bucket: tuple[float, int], now: int) -> float:
        level, then = bucket
        gained = max(now - then, 0) * self._per_minute / MINUTE_MS
        return min(level + gained, float(self._per_minute))
