"""The simulated fleet: nothing is lost in it, it is the same each time, and it queues as it must."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.capacity import KEPT, keeps_up, saturation, shares
from benchmarks.costs import Spent, solve
from benchmarks.fleet import BATCH_MAX, Fleet, Machines, Traffic, percentile, steady

COSTS = KEPT[1024]
FEW = Machines(receivers=2, workers=2, cores=2)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 5),
    st.integers(1, 5),
    st.integers(1, 4),
    st.floats(1, 3_000),
    st.integers(0, 99),
)
def test_whatever_arrives_is_answered_and_worked_off(receivers, workers, cores, rate, seed):
    machines = Machines(receivers=receivers, workers=workers, cores=cores)
    outcome = Fleet(machines, COSTS, steady(rate, 1.0), seed=seed).run()
    assert len(outcome.accepts) == len(outcome.ends)
    assert all(took > 0 for took in outcome.accepts)
    assert len(outcome.accepts) <= BATCH_MAX * outcome.commits
    assert max(shares(machines, outcome).values(), default=0) <= 1.0001


def test_the_same_seed_gives_the_same_and_another_another():
    first, again, other = (Fleet(FEW, COSTS, steady(200, 2.0), seed=n).run() for n in (1, 1, 2))
    assert first == again
    assert first.accepts != other.accepts


def test_commits_are_shared_the_more_the_busier_it_is():
    def shared(rate):
        outcome = Fleet(FEW, COSTS, steady(rate, 1.0)).run()
        return len(outcome.accepts) / outcome.commits

    assert shared(20) < 1.2 < shared(3_000) < shared(7_000)


def test_beyond_saturation_it_falls_behind_and_before_it_does_not():
    most = saturation(FEW, COSTS)
    assert keeps_up(Fleet(FEW, COSTS, steady(0.8 * most, 2.0)).run(), 2.0)
    late = Fleet(FEW, COSTS, steady(1.6 * most, 2.0)).run()
    assert not keeps_up(late, 2.0)
    assert late.waiting_max + late.queued_max > 1_000


def test_more_machines_bear_more():
    assert saturation(Machines(4, 4, 4), COSTS) > 1.6 * saturation(FEW, COSTS)


def test_a_slower_machine_answers_later():
    quick, slow = (
        Fleet(replace(FEW, slowness=by), COSTS, steady(100, 2.0)).run() for by in (1.0, 4.0)
    )
    assert percentile(slow.accepts, 0.5) > 2 * percentile(quick.accepts, 0.5)


def test_the_day_has_its_curve_and_its_burst():
    day = Traffic(mean=100, seconds=20)
    assert day.rate(5) == 300
    assert day.rate(3.5) == pytest.approx(100 * (1 + 0.6 * 0.891), rel=0.01)
    assert day.rate(15) == pytest.approx(40)
    outcome = Fleet(FEW, COSTS, day).run()
    assert 1_800 < len(outcome.accepts) < 2_900


def test_the_cost_of_an_event_is_told_from_that_of_a_commit():
    def spent(events, arrivals, work):
        commits = arrivals + work
        return Spent(
            seconds=10, receiver=events * 40e-6 + arrivals * 1e-3, worker=events * 9e-5 + work * 6e-4,
            database=events * 1e-4 + commits * 5e-4, log=events * 3_000, commits=commits,
            arrivals=arrivals, events=events, tables=events * 2_000, network=events * 4_000,
        )  # fmt: skip

    busy = spent(8_000, 200, 100)
    found = solve(
        light=spent(600, 600, 1_800),
        accepting=replace(busy, database=busy.database / 4),
        busy=busy,
        idle=spent(0, 0, 0),
        held=(4, 6),
    )
    assert found.receive == pytest.approx(40)
    assert found.receive_commit == pytest.approx(1_000)
    assert found.work == pytest.approx(90)
    assert found.work_commit == pytest.approx(600)
    assert found.database == pytest.approx(100)
    assert found.database_commit == pytest.approx(500)
    assert (found.accept_share, found.work_commits) == (0.25, 3)
