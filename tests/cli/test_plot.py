"""A character for each bar, as high as its share; rates in a unit that reads well. Pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.cli.plot import BLOCKS, rate, sparkline


@pytest.mark.parametrize(
    ("numbers", "encoding", "line"),
    [
        ([0, 1, 4, 8], "utf-8", "·▁▄█"),
        ([0, 1, 4, 8], "ascii", ".259"),
        ([0, 0], "utf-8", "··"),
        ([], "utf-8", ""),
        ([3], None, "9"),
    ],
)
def test_bars_are_shares_of_the_highest(numbers, encoding, line):
    assert sparkline(numbers, encoding) == line


@given(st.lists(st.integers(0, 10**12), min_size=1))
def test_what_happened_at_all_is_seen_and_more_is_never_lower(numbers):
    line = sparkline(numbers)
    assert len(line) == len(numbers)
    heights = {number: BLOCKS.find(shown) for number, shown in zip(numbers, line, strict=True)}
    assert all((height >= 0) == (number > 0) for number, height in heights.items())
    ranked = [heights[number] for number in sorted(heights)]
    assert ranked == sorted(ranked)


@pytest.mark.parametrize(
    ("number", "milliseconds", "said"),
    [
        (30_000, 1_000, "30,000/s"),
        (90, 60_000, "1.5/s"),
        (59, 60_000, "59/min"),
        (1, 86_400_000, "1/day"),
        (0, 60_000, "0/day"),
        (5, 0, "-"),
    ],
)
def test_a_rate_has_the_unit_that_reads_well(number, milliseconds, said):
    assert rate(number, milliseconds) == said
