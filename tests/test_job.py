"""Pure: whatever ends, a run moves only as the table allows, and comes to an end."""

from hypothesis import given
from hypothesis import strategies as st

from hookagent.job import (
    ALLOWED,
    ATTEMPTS_KEPT,
    FINAL,
    RETRY_AFTER_MAX_MS,
    Again,
    Attempt,
    Done,
    Interrupted,
    Later,
    Never,
    OnInterrupt,
    RetryPolicy,
    RunState,
    Step,
    StepState,
    after,
    backoff_ms,
    idempotency_key,
)

outcomes = st.one_of(
    st.just(Done()),
    st.builds(Again, error=st.just("e"), retry_after_ms=st.none() | st.integers(0, 10**12)),
    st.just(Never(error="e")),
    st.just(Interrupted()),
)
not_yet = st.builds(Later, after_ms=st.integers(0, 10**6))
policies = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 8),
    first_delay_ms=st.integers(0, 10_000),
    max_delay_ms=st.integers(0, 100_000),
    on_interrupt=st.sampled_from(OnInterrupt),
)
chances = st.floats(0, 1, exclude_max=True)


@given(
    outcomes | not_yet, policies, st.integers(1, 5), st.integers(0, 4), st.integers(1, 10), chances
)
def test_every_outcome_is_a_change_the_table_allows(outcome, policy, steps, step, attempts, chance):
    step = min(step, steps - 1)

    change = after(
        outcome, step=step, steps=steps, attempts=attempts, policy=policy, now=1_000, chance=chance
    )

    assert (RunState.RUNNING, change.run) in ALLOWED
    assert (change.due_at is not None) == (change.run is RunState.WAITING)
    assert bool(change.reason) == (change.run is RunState.DEAD)
    assert change.next_step == (step + 1 if isinstance(outcome, Done) else step)
    if change.due_at is not None:
        assert 1_000 <= change.due_at <= 1_000 + max(policy.max_delay_ms, RETRY_AFTER_MAX_MS)


@given(st.lists(outcomes, min_size=60, max_size=60), policies, st.integers(1, 5))
def test_a_run_ends_after_a_bounded_number_of_outcomes(script, policy, steps):
    step, attempts, ended = 0, 0, False
    for outcome in script:
        attempts += 1
        change = after(
            outcome, step=step, steps=steps, attempts=attempts, policy=policy, now=0, chance=0.5
        )
        if change.run in {RunState.DONE, RunState.DEAD}:
            ended = True
            break
        if change.next_step != step:
            step, attempts = change.next_step, 0

    assert ended


@given(st.integers(1, 200), policies, chances)
def test_backoff_stays_under_its_ceiling(attempts, policy, chance):
    delay = backoff_ms(attempts, policy, chance)

    assert 0 <= delay <= policy.max_delay_ms


def test_backoff_doubles_and_jitters_over_the_whole_range():
    policy = RetryPolicy(first_delay_ms=1_000, max_delay_ms=60_000)

    assert [backoff_ms(n, policy, 0.999999) for n in (1, 2, 3, 10)] == [999, 1999, 3999, 59999]
    assert backoff_ms(3, policy, 0.0) == 0


def test_a_target_may_ask_for_longer_but_not_for_more_than_a_day():
    policy = RetryPolicy(first_delay_ms=1, max_delay_ms=1)

    asked = after(
        Again(error="e", retry_after_ms=90_000),
        step=0,
        steps=1,
        attempts=1,
        policy=policy,
        now=0,
        chance=0,
    )
    greedy = after(
        Again(error="e", retry_after_ms=10**15),
        step=0,
        steps=1,
        attempts=1,
        policy=policy,
        now=0,
        chance=0,
    )

    assert asked.due_at == 90_000
    assert greedy.due_at == RETRY_AFTER_MAX_MS


def test_an_unknown_outcome_is_held_where_the_rule_says_so():
    hold = RetryPolicy(on_interrupt=OnInterrupt.HOLD)

    change = after(Interrupted(), step=0, steps=1, attempts=1, policy=hold, now=5, chance=0)

    assert change.run is RunState.DEAD
    assert change.step is StepState.DEAD
    assert "on hold" in change.reason


def test_an_unknown_outcome_is_retried_at_once_by_default():
    change = after(
        Interrupted(), step=0, steps=2, attempts=1, policy=RetryPolicy(), now=5, chance=0.9
    )

    assert (change.run, change.due_at, change.next_step) == (RunState.WAITING, 5, 0)


def test_nothing_leaves_a_final_state():
    assert not [pair for pair in ALLOWED if pair[0] in FINAL]


def test_the_idempotency_key_names_run_and_step():
    assert idempotency_key("run_1", 2) == "run_1-2"


def test_what_was_not_tried_comes_back_when_it_is_time_and_spends_no_attempt():
    policy = RetryPolicy(attempts=1)

    change = after(
        Later(after_ms=500), step=0, steps=1, attempts=9, policy=policy, now=100, chance=0.5
    )

    assert (change.run, change.due_at, change.next_step) == (RunState.WAITING, 600, 0)


def test_a_step_that_begins_again_knows_what_was_tried_and_counts_none_of_it():
    tries = [Attempt(started_at=n, ms=1, outcome="again") for n in range(ATTEMPTS_KEPT + 5)]
    step = Step(name="one", action="log", state=StepState.DEAD, attempts=tries)

    step.begin_again()

    assert (step.state, step.counted) == (StepState.PENDING, 0)
    assert step.attempts == tries[5:]
    step.attempts = [*step.attempts, tries[0]]
    assert step.counted == 1
