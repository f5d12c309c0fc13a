"""Pure: a bucket per address that fills up again."""

from hookagent.pipeline.limiter import ADDRESSES_MAX, MINUTE_MS, FailureLimiter


def test_a_share_is_used_up_and_comes_back_with_time():
    limiter = FailureLimiter(2)

    assert [limiter.failed("a", 0) for _ in range(3)] == [True, True, False]
    assert limiter.failed("b", 0)
    assert limiter.failed("a", MINUTE_MS)


def test_a_clock_that_goes_back_gives_nothing():
    limiter = FailureLimiter(1)
    limiter.failed("a", MINUTE_MS)

    assert not limiter.failed("a", 0)


def test_memory_is_bounded():
    limiter = FailureLimiter(1)
    for number in range(ADDRESSES_MAX + 10):
        limiter.failed(str(number), 0)

    assert len(limiter._buckets) == ADDRESSES_MAX
