"""One run, from the step it stands at to its end: prepare, act, sort the outcome, record.

Before a step acts, the store holds the run as running at that step under our lease; after it, the
outcome is recorded before the next step begins. So a crash leaves exactly one step's outcome
unknown, and `job.after` decides what becomes of it. `atonce` says what is excepted.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from hookagent.actions.base import Call, Outside
from hookagent.actions.registry import BoundStep
from hookagent.errors import HookagentError
from hookagent.event import Event
from hookagent.job import (
    FINAL,
    Again,
    Attempt,
    Done,
    Interrupted,
    Later,
    Never,
    Outcome,
    RunState,
    Step,
    after,
)
from hookagent.pipeline.feed import Ran, Tried
from hookagent.pipeline.patience import Patience
from hookagent.pipeline.recorder import Recorder
from hookagent.pipeline.rulebook import Bindings, BoundRule
from hookagent.rules.model import StepSpec
from hookagent.store.base import Run, StoreUnavailable
from hookagent.template.error import TemplateError
from hookagent.template.scope import Scope

OVERTIME_S = 10.0
"""Actions end their own work within the time limit, tidily; this is for one that does not."""


class Turn(NamedTuple):
    """One run's turn: from the step it stands at to where it stops for now."""

    run: Run
    event: Event
    rule: BoundRule | None
    acted: Callable[[], None]


class Settled(NamedTuple):
    """What came of one try: what is told of it once it is on disk."""

    place: int
    """Of the step."""
    outcome: Outcome
    at: int
    """Unix milliseconds."""
    ms: int


class Execution:
    """Executes runs; holds nothing of them in between."""

    def __init__(  # noqa: PLR0913 - the parts it is wired to
        self,
        recorder: Recorder,
        bindings: Bindings,
        outside: Outside,
        clock: Callable[[], int],
        chance: Callable[[], float],
        *,
        is_ours: Callable[[Run], Awaitable[bool]],
        dry_run: bool = False,
    ) -> None:
        self._recorder = recorder
        self._bindings = bindings
        self._outside = outside
        self._clock = clock
        self._chance = chance
        self._is_ours = is_ours
        """Asked before each try: whether nobody else has taken the run over."""
        self._dry_run = dry_run
        self.waiting: set[str] = set()
        """Runs whose next step waits for its turn: nothing of it has begun."""
        self.observe_done: Callable[[Run, int], None] = lambda _run, _at: None
        """Told of every run that is done, and when, once that is on disk."""

    async def run(self, run: Run, event: Event, acted: Callable[[], None]) -> None:
        """Take a run that is ours through its steps until it is final, waiting or dead.

        Calls `acted` when its last action for now has ended, before that is on disk.
        """
        rule = self._bindings.get(run.version)
        turn = Turn(run, event, rule, acted)
        self._count_begun(run, event)
        if run.is_interrupted:
            run.is_interrupted = False
            await self._record(turn, self._settle(turn, Interrupted(), self._clock()))
            return
        while rule is None or run.step < len(rule.specs):
            async with self._turn_of(run, rule):
                if not await self._is_ours(run):
                    return
                started = self._clock()
                if rule is None:
                    outcome: Outcome = Never(error=f"the steps of rule `{run.rule}` are not known")
                else:
                    outcome = await self._attempt(run, event, rule, started)
            if not await self._record(turn, self._settle(turn, outcome, started)):
                return

    @asynccontextmanager
    async def _turn_of(self, run: Run, rule: BoundRule | None) -> AsyncIterator[None]:
        """Hold the turn of a step for as long as the block lasts, where it has to wait for one."""
        bound = None
        with suppress(HookagentError):  # said by the try
            bound = rule.step(run.step) if rule is not None and not self._dry_run else None
        if bound is None or not bound.has_turn:
            yield
            return
        self.waiting.add(run.id)
        try:
            async with bound.turn(self._outside):
                self.waiting.discard(run.id)
                yield
        finally:
            self.waiting.discard(run.id)

    def run_at_once(self, run: Run, event: Event) -> Callable[[], None]:
        """Do a new run whose only step waits for nothing; it is not recorded yet.

        Return what tells of it, for when it is on disk. A task for each such run would cost as
        much as the run itself.
        """
        rule = self._bindings.get(run.version)
        assert rule is not None, "a run that was just made has its rule's version"
        turn = Turn(run, event, rule, _nobody)
        self._count_begun(run, event)
        started = self._clock()
        outcome = _without_waiting(self._attempt(run, event, rule, started))
        settled = self._settle(turn, outcome, started)
        return lambda: self._tell(turn, settled)

    def _settle(self, turn: Turn, outcome: Outcome, started: int) -> Settled:
        """Move a run to where an outcome leads it."""
        run, _, rule, acted = turn
        now = self._clock()
        index = run.step
        step = run.steps[index]
        if not isinstance(outcome, Later):  # nothing was tried
            step.attempts = [*step.attempts, _attempt(outcome, started, now)]
        step.output = getattr(outcome, "output", step.output)
        change = after(
            outcome,
            step=run.step,
            steps=len(run.steps),
            attempts=step.counted,
            policy=rule.specs[run.step].retry if rule else _NO_RETRY,
            now=now,
            chance=self._chance(),
        )
        step.state = change.step
        run.state, run.step, run.reason = change.run, change.next_step, change.reason
        run.due_at = change.due_at or 0
        if change.run is not RunState.RUNNING:
            run.owner, run.lease_until = "", 0
            acted()
        if change.run in FINAL or change.run is RunState.DEAD:
            run.ended_at = now
        return Settled(index, outcome, now, now - started)

    async def _record(self, turn: Turn, settled: Settled) -> bool:
        """Write a run as it now stands; True when the next step may begin."""
        if not await self._recorder.record(turn.run):
            return False
        self._tell(turn, settled)
        return turn.run.state is RunState.RUNNING

    def _tell(self, turn: Turn, settled: Settled) -> None:
        """Count and tell what is on disk now."""
        run, event, _, _ = turn
        index, outcome, now, ms = settled
        step = run.steps[index]
        self._count_settled(run, event, step, outcome, ms)
        if self._recorder.tracing is not None:
            tried = not isinstance(outcome, Later)
            self._recorder.tracing.settled(event, run, index, step, outcome, tried)
        if run.state is RunState.DONE:
            self.observe_done(run, now)
        if run.state is not RunState.RUNNING and self._recorder.is_asked(run):
            self._recorder.tell(_ran(run, event, outcome, now, dry_run=self._dry_run))

    def _count_begun(self, run: Run, event: Event) -> None:
        is_first = run.step == 0 and not run.steps[0].attempts and not run.due_at
        if is_first and not run.is_interrupted:  # which was counted when it began
            self._count(run, event, "begun", "", 0)

    def _count_settled(self, run: Run, event: Event, step: Step, outcome: Outcome, ms: int) -> None:
        """Count a try, and the run where it came to a stop."""
        counts = self._recorder.counts
        if counts is None:
            return
        error = getattr(outcome, "error", "")
        if not isinstance(outcome, Later):
            counts.tried((step.action, _WORDS[type(outcome)], error, max(ms, 0)))
        if run.state is not RunState.RUNNING:
            lasted = max(run.ended_at - event.received_at, 0)
            state = "held" if isinstance(outcome, Later) else str(run.state)
            self._count(run, event, state, error, lasted)

    def _count(self, run: Run, event: Event, state: str, error: str, ms: int) -> None:
        counts = self._recorder.counts
        if counts is not None:
            counts.ended((run.rule, event.source, event.type, state, error, ms))

    async def _attempt(self, run: Run, event: Event, rule: BoundRule, started: int) -> Outcome:
        """Do one step once. Whatever it does, the answer is an outcome."""
        spec = rule.specs[run.step]
        try:
            bound = rule.step(run.step)
            prepared = bound.prepare(_scope(run, event))
        except TemplateError as error:
            return Never(error=str(error))
        except HookagentError as error:
            return Never(error=error.message)
        if self._dry_run:
            return Done({"would": bound.describe(prepared)})
        call = self._call(run, event, spec, started)
        return await self._act(call, spec, bound, prepared)

    def _call(self, run: Run, event: Event, spec: StepSpec, started: int) -> Call:
        record, tracing = run.steps[run.step], self._recorder.tracing
        trace = tracing.traceparent(event, run.id, run.step, started) if tracing else ""
        return Call.of(
            event,
            run_id=run.id,
            rule=run.rule,
            step=run.step,
            attempt=len(record.attempts) + 1,
            timeout_ms=spec.timeout_ms,
            earlier=record.output,
            traceparent=trace,
        )

    async def _act(self, call: Call, spec: StepSpec, bound: BoundStep, prepared: Any) -> Outcome:
        try:
            if bound.is_instant:
                return await bound.run(prepared, call, self._outside)
            async with Patience(spec.timeout_ms / 1000 + OVERTIME_S):
                return await bound.run(prepared, call, self._outside)
        except TimeoutError:
            return Again(error=f"timed out after {spec.timeout_ms / 1000:g} s")
        except StoreUnavailable as error:
            return Again(error=error.message)
        except HookagentError as error:
            return Never(error=error.message)
        except Exception as error:  # noqa: BLE001 - an action's bug fails its step, never the agent
            return Again(error=f"{type(error).__name__} in action `{spec.action}`")


def _without_waiting(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Do in one go what waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        outcome: Outcome = done.value
        return outcome
    work.close()
    return Never(error="an action that says it waits for nothing did wait")


def _nobody() -> None:
    """Stands for whoever waits for a place, where none was taken."""


def _scope(run: Run, event: Event) -> Scope:
    earlier = run.steps[: run.step] if run.step else ()
    outputs = {step.name: step.output for step in earlier}
    return Scope(event=event, steps=outputs, facts=run.facts or {})


_WORDS: dict[type[Outcome], str] = {
    kind: kind.__name__.lower() for kind in (Done, Again, Never, Later, Interrupted)
}
_NO_RETRY = StepSpec(name="", action="", options={}).retry


def _attempt(outcome: Outcome, started: int, now: int) -> Attempt:
    return Attempt(
        started_at=started,
        ms=max(now - started, 0),
        outcome=_WORDS[type(outcome)],
        error=getattr(outcome, "error", ""),
    )


def _ran(run: Run, event: Event, outcome: Outcome, now: int, *, dry_run: bool) -> Ran:
    index = min(run.step, len(run.steps) - 1)
    would: list[dict[str, object]] = []
    if dry_run:
        would = [step.output["would"] for step in run.steps if isinstance(step.output, dict)]
    return Ran(
        at=now,
        id=event.id,
        run=run.id,
        rule=run.rule,
        state=str(run.state),
        ms=max(now - event.received_at, 0),
        step=run.steps[index].name,
        error=getattr(outcome, "error", ""),
        reason=getattr(outcome, "reason", ""),
        due_at=run.due_at,
        dry=would,
        source=event.source,
        tried=[
            Tried(step.action, attempt.outcome, attempt.ms)
            for step in run.steps
            for attempt in step.attempts
        ],
    )
