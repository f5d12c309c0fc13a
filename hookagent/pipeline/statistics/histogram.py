"""A histogram of whole milliseconds whose buckets grow with the value, so that it can be merged.

Up to 15 every value has a bucket of its own; from there on each power of two has eight, so that a
value is known to within 6.25 %. The shape never depends on the data: two histograms are merged by
adding their counts. (The buckets are those of HdrHistogram with three bits.)
"""

from collections.abc import Mapping

EXACT = 16
"""Values below this have a bucket each."""
_BITS = 3
_HALF = 1 << _BITS

Histogram = dict[int, int]
"""How many values by bucket."""


def bucket(value: int) -> int:
    """Return the bucket of a value; a negative one counts as 0."""
    if value < EXACT:
        return max(value, 0)
    shift = value.bit_length() - _BITS - 1
    return (shift << _BITS) + (value >> shift)


def bounds(place: int) -> tuple[int, int]:
    """Return the lowest and the highest value of a bucket."""
    if place < EXACT:
        return place, place
    shift = (place >> _BITS) - 1
    low = ((place & (_HALF - 1)) + _HALF) << shift
    return low, low + (1 << shift) - 1


def quantile(counts: Mapping[int, int], share: float) -> int | None:
    """Return the value that so much of all is at or below: the middle of its bucket, or None."""
    total = sum(counts.values())
    if not total:
        return None
    wanted = max(share * total, 1)
    seen = 0
    place = 0
    for place in sorted(counts):
        seen += counts[place]
        if seen >= wanted:
            break
    low, high = bounds(place)
    return (low + high) // 2
