"""The usual: median and median absolute deviation, which a few wild values cannot move."""

from collections.abc import Sequence

import msgspec

MAD_TO_SIGMA = 1.4826
"""For normally distributed values the MAD times this is the standard deviation."""


class Usual(msgspec.Struct, frozen=True):
    """What is usual, and how far from it is still usual."""

    median: float
    spread: float


def median(values: Sequence[float]) -> float:
    """Return the middle value. `values` is not empty."""
    ordered = sorted(values)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[half])
    return (ordered[half - 1] + ordered[half]) / 2


def usual_of(counts: Sequence[int]) -> Usual:
    """Return the usual of counts.

    The spread is never below the square root of the median, which is how far counts of independent
    events scatter by themselves (Poisson), nor below 1.
    """
    middle = median(counts)
    deviation = median([abs(count - middle) for count in counts])
    return Usual(middle, max(MAD_TO_SIGMA * deviation, middle**0.5, 1.0))
