"""Is a series flat? Theil and Sen's slope with its confidence, so that nobody judges by eye.

The slope is the median of the slopes between all pairs of points, which a few outliers do not move;
its interval comes from the distribution of Kendall's statistic (Sen, "Estimates of the regression
coefficient based on Kendall's tau", 1968). No I/O.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from statistics import median

CONFIDENCE_Z = 1.96
"""95 % on both sides."""
POINTS_MIN = 8
"""Fewer say nothing: their interval spans everything."""


class Judgement(StrEnum):
    """What a series shows."""

    FLAT = "flat"
    GROWS = "grows"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Trend:
    """How a series changes from its first to its last point, in its own unit."""

    level: float
    growth: float
    low: float
    high: float

    def judge(self, allowed: float) -> Judgement:
        """Flat when even the interval's upper end is within what is allowed.

        It grows when it does so for sure and by more than that; anything else is unclear.
        """
        if self.high <= allowed:
            return Judgement.FLAT
        if self.low > 0 and self.growth > allowed:
            return Judgement.GROWS
        return Judgement.UNCLEAR


def trend(values: list[float]) -> Trend:
    """Return the trend of values taken at equal distances. Raises ValueError for too few."""
    count = len(values)
    if count < POINTS_MIN:
        raise ValueError(f"{count} points are too few; at least {POINTS_MIN} are needed")
    slopes = sorted(
        (values[later] - values[earlier]) / (later - earlier)
        for earlier in range(count)
        for later in range(earlier + 1, count)
    )
    spread = CONFIDENCE_Z * sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = slopes[max(int((len(slopes) - spread) / 2), 0)]
    high = slopes[min(int((len(slopes) + spread) / 2) + 1, len(slopes) - 1)]
    steps = count - 1
    return Trend(
        level=median(values), growth=median(slopes) * steps, low=low * steps, high=high * steps
    )
