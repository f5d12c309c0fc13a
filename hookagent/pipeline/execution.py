"""One run, from the step it stands at to its end: prepare, act, sort the outcome, record.

Before a step acts, the store holds the run as running at that step under our lease; after it, the
outcome is recorded before the next step begins. So a crash leaves exactly one step's outcome
unknown, and `job.after` decides what becomes of it.
"""

import asyncio
from collections.abc import Callable
from typing import Any

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
    after,
)
from hookagent.pipeline.feed import Ran, Tried
from hookagent.pipeline.recorder import Recorder
from hookagent.pipeline.rulebook import Bindings, BoundRule
from hookagent.rules.model import StepSpec
from hookagent.store.base import Run
from hookagent.template.error import TemplateError
from hookagent.template.scope import Scope

OVERTIME_S = 10.0
"""Actions end their own work within the time limit, tidily; this is for one that does not."""


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
        dry_run: bool = False,
    ) -> None:
        self._recorder = recorder
        self._bindings = bindings
        self._outside = outside
        self._clock = clock
        self._chance = chance
        self._dry_run = dry_run

    async def run(self, run: Run, event: Event) -> None:
        """Take a run that is ours through its steps until it is final, waiting or dead."""
        rule = self._bindings.get(run.version)
        if run.is_interrupted:
            run.is_interrupted = False
            await self._settle(run, event, rule, Interrupted(), self._clock())
            return
        while rule is None or run.step < len(rule.specs):
            started = self._clock()
            if rule is None:
                outcome: Outcome = Never(error=f"the steps of rule `{run.rule}` are not known")
            else:
                outcome = await self._attempt(run, event, rule)
            if not await self._settle(run, event, rule, outcome, started):
                return

    async def _settle(
        self, run: Run, event: Event, rule: BoundRule | None, outcome: Outcome, started: int
    ) -> bool:
        """Record an outcome; True when the next step may begin."""
        now = self._clock()
        step = run.steps[run.step]
        if not isinstance(outcome, Later):  # nothing was tried
            step.attempts = [*step.attempts, _attempt(outcome, started, now)]
        step.output = getattr(outcome, "output", step.output)
        change = after(
            outcome,
            step=run.step,
            steps=len(run.steps),
            attempts=len(step.attempts),
            policy=rule.specs[run.step].retry if rule else _NO_RETRY,
            now=now,
            chance=self._chance(),
        )
        step.state = change.step
        run.state, run.step, run.reason = change.run, change.next_step, change.reason
        run.due_at = change.due_at or 0
        if change.run is not RunState.RUNNING:
            run.owner, run.lease_until = "", 0
        if change.run in FINAL or change.run is RunState.DEAD:
            run.ended_at = now
        is_ours = await self._recorder.record(run)
        if change.run is not RunState.RUNNING and is_ours and self._recorder.has_listeners:
            self._recorder.tell(_ran(run, event, outcome, now, dry_run=self._dry_run))
        return is_ours and change.run is RunState.RUNNING

    async def _attempt(self, run: Run, event: Event, rule: BoundRule) -> Outcome:
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
        return await self._act(run, event, spec, bound, prepared)

    async def _act(
        self, run: Run, event: Event, spec: StepSpec, bound: BoundStep, prepared: Any
    ) -> Outcome:
        record = run.steps[run.step]
        call = Call.of(
            event,
            run_id=run.id,
            rule=run.rule,
            step=run.step,
            attempt=len(record.attempts) + 1,
            timeout_ms=spec.timeout_ms,
            earlier=record.output,
        )
        try:
            async with asyncio.timeout(spec.timeout_ms / 1000 + OVERTIME_S):
                return await bound.run(prepared, call, self._outside)
        except TimeoutError:
            return Again(error=f"timed out after {spec.timeout_ms / 1000:g} s")
        except HookagentError as error:
            return Never(error=error.message)
        except Exception as error:  # noqa: BLE001 - an action's bug fails its step, never the agent
            return Again(error=f"{type(error).__name__} in action `{spec.action}`")


def _scope(run: Run, event: Event) -> Scope:
    outputs = {step.name: step.output for step in run.steps[: run.step]}
    return Scope(event=event, steps=outputs, facts=run.facts or {})


_NO_RETRY = StepSpec(name="", action="", options={}).retry


def _attempt(outcome: Outcome, started: int, now: int) -> Attempt:
    return Attempt(
        started_at=started,
        ms=max(now - started, 0),
        outcome=type(outcome).__name__.lower(),
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
        due_at=run.due_at,
        dry=would,
        source=event.source,
        tried=[
            Tried(step.action, attempt.outcome, attempt.ms)
            for step in run.steps
            for attempt in step.attempts
        ],
    )
