"""Runs and steps: their states, what can follow what, and when to try again.

A run is one rule that fired for one event; its steps are the rule's actions in order. The whole
life of a run is `ALLOWED`; `after` is the only function that moves it, and it reads no clock and
draws no random number: `now` and `chance` are arguments.

    pending ──> running ──> done
       ^           │ ├────> waiting ──> running        a retry is due later
       │           │ └────> dead ─────> pending        a person releases or retries it
       └───────────┘        dead ─────> discarded
      lease ran out
"""

from enum import StrEnum
from typing import Any, assert_never

import msgspec


class RunState(StrEnum):
    """Where a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"
    DISCARDED = "discarded"


class StepState(StrEnum):
    """Where one step of a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"


ALLOWED: frozenset[tuple[RunState, RunState]] = frozenset(
    {
        (RunState.PENDING, RunState.RUNNING),
        (RunState.WAITING, RunState.RUNNING),
        (RunState.RUNNING, RunState.PENDING),
        (RunState.RUNNING, RunState.RUNNING),
        (RunState.RUNNING, RunState.WAITING),
        (RunState.RUNNING, RunState.DONE),
        (RunState.RUNNING, RunState.DEAD),
        (RunState.DEAD, RunState.PENDING),
        (RunState.DEAD, RunState.DISCARDED),
    },
)
"""Every change of a run's state there is."""

FINAL = frozenset({RunState.DONE, RunState.DISCARDED})


class Done(msgspec.Struct, frozen=True):
    """The step did what it should; `output` is what later steps may use (JSON)."""

    output: Any = None


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """It failed in a way that may pass; `retry_after_ms` is what the target asked for."""

    error: str
    retry_after_ms: int | None = None
    output: Any = None


class Never(msgspec.Struct, frozen=True, kw_only=True):
    """It failed in a way that no repetition mends."""

    error: str
    output: Any = None


class Later(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing was tried, it is not time yet (a delay, a target held off): no attempt is spent."""

    after_ms: int
    """How long from now."""
    reason: str = ""
    output: Any = None


class Interrupted(msgspec.Struct, frozen=True, kw_only=True):
    """The process ended or lost its lease while the step ran: the outcome is unknown."""

    error: str = "the process ended while the step was running; whether it took effect is unknown"


Outcome = Done | Again | Never | Later | Interrupted


class OnInterrupt(StrEnum):
    """What to do with a step whose outcome is unknown."""

    RETRY = "retry"
    """Run it again with the same idempotency key."""
    HOLD = "hold"
    """Make the run dead with that reason, for a person to release."""


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how soon a failed step is tried again."""

    attempts: int = 5
    """In all, the first included; at least 1."""
    first_delay_ms: int = 1_000
    max_delay_ms: int = 300_000
    on_interrupt: OnInterrupt = OnInterrupt.RETRY


ATTEMPTS_KEPT = 100
"""Of a step that a person has tried again and again, so many earlier attempts are remembered."""
RETRY_AFTER_MAX_MS = 24 * 3_600_000
"""A target that asks for more than a day is not obeyed."""


class Attempt(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One try of one step, as recorded."""

    started_at: int
    """Unix milliseconds."""
    ms: int
    """How long it took."""
    outcome: str
    """`done`, `again`, `never` or `interrupted`."""
    error: str = ""


class Step(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One action of a run with everything that was tried."""

    name: str
    action: str
    state: StepState = StepState.PENDING
    attempts: list[Attempt] = []
    output: Any = None
    forgiven: int = 0
    """So many of the attempts count no more: a person had the step tried again since."""

    @property
    def counted(self) -> int:
        """How many attempts count against its retry policy."""
        return len(self.attempts) - self.forgiven

    def begin_again(self) -> None:
        """Stand as if nothing had been tried, and still know what was."""
        self.state = StepState.PENDING
        self.attempts = self.attempts[-ATTEMPTS_KEPT:]
        self.forgiven = len(self.attempts)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What an outcome does to its run."""

    run: RunState
    step: StepState
    next_step: int
    """The index of the step the run stands at from now on."""
    due_at: int | None = None
    """Unix milliseconds of the next try; set exactly when `run` is waiting."""
    reason: str = ""
    """Why the run is dead."""


def after(  # noqa: PLR0911, PLR0913 - one return per outcome, each argument a fact it needs
    outcome: Outcome,
    *,
    step: int,
    steps: int,
    attempts: int,
    policy: RetryPolicy,
    now: int,
    chance: float,
) -> Change:
    """Decide what follows an outcome.

    `step` is the index of the step that ended, `steps` how many there are, `attempts` how many
    tries of this step have ended with this one, `chance` a number from 0 up to 1 for the jitter.
    """
    match outcome:
        case Done():
            last = step + 1 >= steps
            return Change(
                run=RunState.DONE if last else RunState.RUNNING,
                step=StepState.DONE,
                next_step=step + 1,
            )
        case Again(error=error, retry_after_ms=wish):
            if attempts >= policy.attempts:
                return _dead(step, f"gave up after {attempts} attempts: {error}")
            delay = backoff_ms(attempts, policy, chance)
            if wish is not None:
                delay = max(delay, min(wish, RETRY_AFTER_MAX_MS))
            return Change(
                run=RunState.WAITING,
                step=StepState.WAITING,
                next_step=step,
                due_at=now + delay,
            )
        case Never(error=error):
            return _dead(step, error)
        case Later(after_ms=wait):
            return Change(
                run=RunState.WAITING,
                step=StepState.WAITING,
                next_step=step,
                due_at=now + max(wait, 0),
            )
        case Interrupted(error=error):
            if policy.on_interrupt is OnInterrupt.HOLD:
                return _dead(step, f"on hold: {error}")
            if attempts >= policy.attempts:
                return _dead(step, f"gave up after {attempts} attempts: {error}")
            return Change(
                run=RunState.WAITING,
                step=StepState.WAITING,
                next_step=step,
                due_at=now,
            )
        case _:
            assert_never(outcome)


def _dead(step: int, reason: str) -> Change:
    return Change(run=RunState.DEAD, step=StepState.DEAD, next_step=step, reason=reason)


def backoff_ms(attempts: int, policy: RetryPolicy, chance: float) -> int:
    """Return the delay before the next try: exponential, with full jitter.

    Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter") draws from 0 to the cap,
    so that runs which failed together do not return together.
    """
    ceiling = policy.first_delay_ms * 2 ** min(attempts - 1, 40)
    return int(min(ceiling, policy.max_delay_ms) * chance)


def idempotency_key(run_id: str, step: int) -> str:
    """Make the key a step presents to its target, the same on every try."""
    return f"{run_id}-{step}"
