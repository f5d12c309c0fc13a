"""Buckets grow with the value, quantiles are near, merging is adding. Pure."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.pipeline.statistics.histogram import bounds, bucket, quantile

VALUES = st.integers(0, 10**9)


@given(VALUES)
def test_a_value_lies_in_its_bucket_which_is_narrow(value):
    low, high = bounds(bucket(value))
    assert low <= value <= high
    assert high - low <= value / 8


@given(VALUES, VALUES)
def test_buckets_are_in_the_order_of_values(one, other):
    assert (bucket(one) <= bucket(other)) or one > other


def test_buckets_follow_each_other_without_gap():
    places = [bounds(place) for place in range(200)]
    assert all(high + 1 == low for (_, high), (low, _) in pairwise(places))


@given(st.lists(VALUES, min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_within_its_error_of_the_true_one(values, share):
    found = quantile(Counter(map(bucket, values)), share)
    ranked = sorted(values)
    exact = ranked[max(-int(-share * len(values) // 1), 1) - 1]
    assert found is not None
    assert abs(found - exact) <= exact * 0.0625 + 0.5


@given(st.lists(VALUES), st.lists(VALUES))
def test_merging_is_the_same_as_counting_together(some, more):
    apart = Counter(map(bucket, some)) + Counter(map(bucket, more))
    assert apart == Counter(map(bucket, some + more))


@pytest.mark.parametrize(("counts", "share", "value"), [({}, 0.5, None), ({3: 1}, 0.99, 3)])
def test_of_nothing_there_is_no_quantile(counts, share, value):
    assert quantile(counts, share) == value


def test_a_clock_that_went_back_counts_as_no_time():
    assert bucket(-5) == 0
