"""Runs in the making: how many act at once, and those that wait in memory for their turn.

A run that was recorded as ours is set off as soon as there is a place for it. It leaves its place
when its last action has ended, not when that is on disk: an action that takes no time should not
hold up others for the length of a commit.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any

from hookagent.event import Event
from hookagent.job import OnInterrupt, RunState
from hookagent.pipeline.room import Room
from hookagent.rules.model import Rule
from hookagent.store.base import Run

GATHER_S = 0.05
"""How long a claim waits for more runs to end."""
TURN_S = 0.002
"""The same where runs go one after the other: each wait would add up."""
READY_MAX = 1_024
"""Runs that wait in memory for a place."""
AHEAD_S = 0.5
"""How long a run waits for a place here, by and large, where another worker might have one free."""
STAYS = 16
"""So many of the last stays make up their mean, more or less."""
SHORTEST_S = 1e-6
"""A stay counts as no shorter than this."""

Execute = Callable[[Run, Event, Callable[[], None]], Coroutine[Any, Any, None]]
"""Takes a run through its steps; calls back once when no action of it will follow."""


def may_wait(rule: Rule) -> bool:
    """Whether a run of a rule may be ours before there is a place for it.

    Not where a limit of the rule's own decides who is next, and not where a run that was ours when
    the process ended would be held for a person although nothing had happened yet.
    """
    return rule.concurrency is None and not any(
        step.retry.on_interrupt is OnInterrupt.HOLD for step in rule.do
    )


def limits_of(rules: Iterable[Rule]) -> dict[str, int]:
    """Return how many runs of each rule with a limit may be under way."""
    return {rule.name: rule.concurrency for rule in rules if rule.concurrency is not None}


class Hands:
    """The runs that are ours."""

    def __init__(
        self,
        most: int,
        execute: Execute,
        *,
        ahead: int = READY_MAX,
        ahead_s: float = math.inf,
    ) -> None:
        self._room = Room(most)
        self._most = most
        self._ahead = ahead
        self._ahead_s = ahead_s
        """Only so many are taken ahead as find a place within this time."""
        self._stay_s = math.inf
        """How long runs keep their place, by the last ones; unknown at first."""
        self._execute = execute
        self._placed: dict[str, tuple[str, float]] = {}
        """The rule of each run that has a place, and since when, by the run's id."""
        self._tasks: dict[str, asyncio.Future[Any]] = {}
        self._active: dict[str, Run] = {}
        self._ready: OrderedDict[str, tuple[Run, Event]] = OrderedDict()
        self._admitted = 0
        """Runs admitted without a place whose commit is under way."""
        self._is_closed = False
        self._hurried = asyncio.Event()
        self.freed = asyncio.Event()
        """Set when a place came free and nobody waited for it."""
        self.told: frozenset[str] = frozenset()
        """Rules of which the store says whose turn it is."""
        self._is_next_waiting = False
        """Whether the end of a run has just made it another's turn: the store is to be asked."""

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, run_id: object) -> bool:
        return run_id in self._tasks or run_id in self._ready

    @property
    def free(self) -> int:
        """How many more runs may begin at once."""
        return self._room.free

    @property
    def ahead(self) -> int:
        """How many more runs may be taken without a place for them."""
        most = self._ahead
        if self._ahead_s < most * self._stay_s / self._most:
            most = int(self._most * self._ahead_s / self._stay_s)
        return most - len(self._ready) - self._admitted

    def full(self, rules: Iterable[Rule]) -> list[str]:
        """Return the rules whose own limit is reached."""
        return self._room.full(rules)

    def has_room_for(self, rule: Rule | None) -> bool:
        """Whether a claimed run may be taken, with a place or ahead; None is a rule that is gone.

        Places that were free when the store was asked may be taken by now.
        """
        if rule is None:
            return self.free > 0 or self.ahead > 0
        if self._room.is_full(rule.name, rule.concurrency):
            return False
        return self.free > 0 or (self.ahead > 0 and may_wait(rule))

    def now_claiming(self) -> None:
        """Note that the store is asked: what ends from now on makes room for the next claim."""
        self.freed.clear()
        self._is_next_waiting = False

    async def until_freed(self, most_s: float) -> None:
        """Wait until there is room, and a moment more: one claim for all that end together."""
        with suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                await self.freed.wait()
                await asyncio.sleep(TURN_S if self._is_next_waiting else GATHER_S)

    # A new run: admitted before its commit, set off or released after it.

    def admit(self, run_id: str, rule: Rule) -> bool:
        """Say whether a new run may be ours from the start; it has its place from now on."""
        if self._room.has_place(rule.name, rule.concurrency):
            self._take(run_id, rule.name)
            return True
        if self.ahead > 0 and may_wait(rule):
            self._admitted += 1
            return True
        return False

    def begin(self, run: Run, event: Event) -> None:
        """Set off an admitted run, or let it wait for its turn."""
        if self._is_closed:
            self.release([run])
            self._ready[run.id] = (run, event)
            return
        if run.id in self._placed:
            self._set_off(run, event)
            return
        self._admitted -= 1
        self.take_up(run, event)

    def release(self, runs: Sequence[Run]) -> None:
        """Give up admitted runs that were not written."""
        for run in runs:
            if run.state is not RunState.RUNNING:
                continue
            if run.id in self._placed:
                self._leave(run.id)
            else:
                self._admitted -= 1

    # A claimed run is ours already.

    def take_up(self, run: Run, event: Event) -> None:
        """Set off a run that is ours, or let it wait for its turn."""
        if self.free > 0 and not self._is_closed:
            self._take(run.id, run.rule)
            self._set_off(run, event)
        else:
            self._ready[run.id] = (run, event)

    # What is under way.

    @property
    def held(self) -> list[str]:
        """The ids of all runs that are ours: their leases must be kept."""
        return [*self._tasks, *self._ready]

    def renewed(self, run_ids: Iterable[str], until: int) -> None:
        """Note until when leases were prolonged: what is recorded of a run says so again."""
        for run_id in run_ids:
            run = self._active.get(run_id) or self._ready.get(run_id, (None,))[0]
            if run is not None and run.state is RunState.RUNNING:
                run.lease_until = until

    def drop(self, run_ids: Iterable[str]) -> None:
        """Let go of runs that another worker took over.

        One whose end is being written holds no lease any more either: it is left to tell of that.
        """
        for run_id in run_ids:
            self._ready.pop(run_id, None)
            run = self._active.get(run_id)
            if run is not None and run.state is RunState.RUNNING:
                self._tasks[run_id].cancel()

    def close(self) -> None:
        """Set nothing off any more: what is still handed over waits to be given back."""
        self._is_closed = True

    async def finish(self, grace_s: float) -> None:
        """Give what acts some time to end; `hurry` cuts it short."""
        if not self._tasks:
            return
        ended = asyncio.ensure_future(asyncio.wait(list(self._tasks.values())))
        hurried = asyncio.ensure_future(self._hurried.wait())
        await asyncio.wait({ended, hurried}, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        for waiting in (ended, hurried):
            waiting.cancel()
        await asyncio.gather(ended, hurried, return_exceptions=True)

    def hurry(self) -> None:
        """Wait no longer for what acts."""
        self._hurried.set()

    async def park(self) -> list[Run]:
        """Interrupt what still acts; return it, free for whoever claims it next."""
        parked = list(self._active.values())
        tasks = [self._tasks[run.id] for run in parked]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        left = []
        for run in parked:
            if run.state is RunState.RUNNING:
                run.lease_until = 0
                left.append(run)
        return left

    async def unbegun(self, waiting: Iterable[str] = ()) -> list[Run]:
        """Give back the runs that wait for their turn, as if nobody had taken them.

        `waiting` are those that have a place, and wait for that of their next step.
        """
        back = [run for run, _ in self._ready.values()]
        self._ready.clear()
        held = [run_id for run_id in waiting if run_id in self._tasks]
        back += [self._active[run_id] for run_id in held]
        tasks = [self._tasks[run_id] for run_id in held]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return [given_back(run) for run in back]

    # Places.

    def _take(self, run_id: str, rule: str) -> None:
        self._placed[run_id] = rule, asyncio.get_running_loop().time()
        self._room.take(rule)

    def _leave(self, run_id: str) -> None:
        """Leave a run's place, if it has one, to whoever is next."""
        if run_id not in self._placed:
            return
        rule, since = self._placed.pop(run_id)
        self._room.leave(rule)
        self._note_stay(asyncio.get_running_loop().time() - since)
        if self._ready:
            self.take_up(*self._ready.popitem(last=False)[1])
        else:
            self.freed.set()

    def _note_stay(self, seconds: float) -> None:
        """Keep a running mean of how long places are kept."""
        known = self._stay_s if self._stay_s < math.inf else seconds
        self._stay_s = max(known + (seconds - known) / STAYS, SHORTEST_S)

    def _set_off(self, run: Run, event: Event) -> None:
        run_id = run.id

        def acted() -> None:
            self._leave(run_id)

        task = asyncio.get_running_loop().create_task(self._execute(run, event, acted))
        self._tasks[run.id] = task
        self._active[run.id] = run
        task.add_done_callback(lambda done: self._ended(run.id, done))

    def _ended(self, run_id: str, task: "asyncio.Future[Any]") -> None:
        del self._tasks[run_id]
        if self._active.pop(run_id).rule in self.told:
            self._is_next_waiting = True
            self.freed.set()
        self._leave(run_id)
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"run {run_id} could not be executed", "exception": error}
            )


def given_back(run: Run) -> Run:
    """Let go of a claimed run; an interrupted one stays so, and is judged by whoever claims it."""
    run.lease_until = 0
    if not run.is_interrupted:
        run.state, run.owner = RunState.PENDING, ""
    return run
