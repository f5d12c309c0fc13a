"""Whole: under steady load nothing grows; and the judge of that, which must be able to say no."""

import random

import pytest

from benchmarks.soak import ALLOWED, CONTROL, LATENCIES, LOG, Found, soak
from benchmarks.trend import Judgement, trend

SHORT_S = 60.0
HOUR_S = 3_600.0
MODEST = 300.0
"""Events a second of the short form, which runs beside whatever else the machine does."""


def series(growth: float, noise: float, *, seed: int = 1, count: int = 48) -> list[float]:
    chance = random.Random(seed)
    return [60 + growth * n / (count - 1) + chance.gauss(0, noise) for n in range(count)]


@pytest.mark.parametrize("seed", range(20))
def test_a_leak_is_seen_through_noise(seed):
    assert trend(series(20, 3, seed=seed)).judge(8) is Judgement.GROWS


@pytest.mark.parametrize("seed", range(20))
def test_noise_alone_is_flat(seed):
    assert trend(series(0, 3, seed=seed)).judge(8) is Judgement.FLAT


def test_what_falls_is_flat():
    assert trend(series(-30, 3)).judge(8) is Judgement.FLAT


def test_a_few_outliers_move_nothing():
    values = series(0, 0.1)
    values[-5:] = [500.0] * 5

    assert abs(trend(values).growth) < 1


def test_too_much_noise_is_neither():
    assert trend(series(9, 30)).judge(8) is Judgement.UNCLEAR


def test_too_few_points_are_refused():
    with pytest.raises(ValueError, match="too few"):
        trend([1.0] * 7)


def test_the_slope_is_exact_on_a_line():
    found = trend([float(n) for n in range(30)])

    assert (found.growth, found.low, found.high) == (29, 29, 29)


def found_with(*, latency: float, control: float) -> Found:
    """Return what a run found whose latencies and whose control grew by so much."""
    kept = Found(control=series(control, 0.1))
    kept.series = {name: series(latency if name in LATENCIES else 0, 0.1) for name in ALLOWED}
    return kept


@pytest.mark.parametrize(
    ("control", "judgement"),
    [(0, Judgement.GROWS), (-20, Judgement.GROWS), (20, Judgement.UNCLEAR)],
)
def test_latency_that_grows_is_the_agents_unless_the_control_slows_down_too(control, judgement):
    judged = found_with(latency=30, control=control).judged()

    assert {judged[name]["judgement"] for name in LATENCIES} == {judgement}


def test_a_slower_machine_excuses_no_memory():
    found = found_with(latency=0, control=20)
    found.series["memory MiB"] = series(30, 0.1)

    judged = found.judged()

    assert judged["memory MiB"]["judgement"] == Judgement.GROWS
    assert judged[CONTROL]["judgement"] == Judgement.GROWS


@pytest.mark.parametrize(
    ("last_mib", "judgement"), [(30.0, Judgement.FLAT), (60.0, Judgement.GROWS)]
)
def test_the_log_may_come_and_go_below_the_bound_that_the_writer_waits_at(last_mib, judgement):
    found = found_with(latency=0, control=0)
    found.series[LOG] = [4 + (last_mib - 4) * n / 59 for n in range(60)]

    assert found.judged()[LOG]["judgement"] == judgement


@pytest.mark.alone
@pytest.mark.parametrize(
    ("seconds", "rate"),
    [(SHORT_S, MODEST), pytest.param(HOUR_S, 0.0, marks=pytest.mark.long)],
)
def test_nothing_grows_under_steady_load(tmp_path, seconds, rate):
    found = soak(tmp_path, seconds, rate)

    judged = found.judged()
    print(judged)
    assert set(found.answers) == {"200"}
    assert found.left == 0
    growing = {name for name in ALLOWED if judged[name]["judgement"] == Judgement.GROWS}
    assert growing == set()
    assert judged["open files"]["judgement"] == Judgement.FLAT
