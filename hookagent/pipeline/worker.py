"""The worker: takes stored events, matches rules, runs their steps, records what came of it.

    offered or claimed event ──match──> runs recorded in one commit ──> executed ──> recorded

Events come from memory (offered by the front door under a lease that was stored with them) or from
the store (left over from a crash, a full queue, another process). Runs beyond what may run at once
are recorded as pending and claimed when there is room. Every wait has a bound and every outcome is
recorded before the next step begins, so that killing the process at any moment loses nothing and
repeats no completed step.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from hookagent.actions.base import Outside
from hookagent.config.model import Source
from hookagent.config.model import Worker as WorkerSettings
from hookagent.event import Event, new_id
from hookagent.job import RunState, Step
from hookagent.pipeline.emitting import timer_event
from hookagent.pipeline.execution import Execution
from hookagent.pipeline.feed import Feed, Matched
from hookagent.pipeline.gate import value_of
from hookagent.pipeline.loops import forever
from hookagent.pipeline.overtime import Fired, Overtime
from hookagent.pipeline.recorder import Recorder
from hookagent.pipeline.room import Room
from hookagent.pipeline.rulebook import Bindings, Rulebook
from hookagent.rules.model import Rule
from hookagent.rules.remembered import Firing
from hookagent.store.base import Routed, Run, Store, StoreUnavailable

INBOX_MAX = 4_096
"""Events kept in memory between their commit and their routing."""
BATCH_MAX = 256
"""Events routed in one commit."""
POLL_S = 1.0
"""How often the store is asked for work that did not come from memory."""
PAUSE_S = 1.0
"""How long to wait after the store refused something."""
SLEEP_MS = 60_000
"""A gap of more than this between two looks means that the machine slept."""
RENEWALS_PER_LEASE = 3
"""Leases are renewed when a third of their time has passed."""


class Worker:
    """One process's share of the work."""

    def __init__(  # noqa: PLR0913 - the parts it is wired to
        self,
        store: Store,
        feed: Feed,
        outside: Outside,
        settings: WorkerSettings,
        sources: dict[str, Source],
        *,
        owner: str,
        clock: Callable[[], int],
        dry_run: bool = False,
    ) -> None:
        self.owner = owner
        self._store = store
        self._feed = feed
        self._settings = settings
        self._sources = sources
        self._clock = clock
        self._random = random.SystemRandom()
        self.observe: Callable[[Event], None] = lambda _event: None
        """Told of every event that was routed here, once its routing is on disk."""
        self._rulebook: Rulebook | None = None
        self._bindings = Bindings(outside.environment, outside.allows)
        self._recorder = Recorder(store, feed, owner, clock)
        self._execution = Execution(
            self._recorder, self._bindings, outside, clock, self._random.random, dry_run=dry_run
        )
        self._overtime = Overtime(store)
        self._judging = asyncio.Lock()
        self._inbox: deque[Event] = deque()
        self._routing: set[str] = set()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._active: dict[str, Run] = {}
        self._places = Room(settings.concurrency)
        self._is_stopping = False
        self._seen_at = 0
        self._loops: list[asyncio.Task[None]] = []

    # The front door's view.

    def lease(self, now: int) -> int:
        """Return until when an offered event is ours, or 0 where memory is full."""
        if self._is_stopping or len(self._inbox) >= INBOX_MAX:
            return 0
        return now + self._settings.lease_ms

    def offer(self, event: Event) -> None:
        """Take an event that was stored under our lease."""
        self._inbox.append(event)
        self._news.set()

    # Life.

    def use(self, rulebook: Rulebook) -> None:
        """Match with these rules from now on."""
        self._rulebook = rulebook
        self._overtime.use(rulebook.ruleset, rulebook.follow)

    @property
    def rulebook(self) -> Rulebook | None:
        """The rules in force."""
        return self._rulebook

    @property
    def running(self) -> int:
        """Runs under way."""
        return len(self._tasks)

    async def start(self) -> None:
        """Begin to work."""
        await self._store.take_over(self.owner)
        await self._overtime.load()
        create = asyncio.get_running_loop().create_task
        self._loops = [
            create(forever(self._route_offered, self._feed, self._clock), name="route"),
            create(forever(self._claim, self._feed, self._clock), name="claim"),
            create(forever(self._renew, self._feed, self._clock), name="renew"),
            create(self._recorder.run(), name="record"),
        ]

    async def stop(self) -> int:
        """Take nothing new, give what runs its grace, park the rest; return how many were left."""
        self._is_stopping = True
        for loop in self._loops[:-1]:
            loop.cancel()
        await asyncio.gather(*self._loops[:-1], return_exceptions=True)
        running = list(self._tasks.values())
        if running:
            await asyncio.wait(running, timeout=self._settings.grace_ms / 1000)
        left = await self._park()
        self._recorder.close()
        await asyncio.gather(*self._loops[-1:], return_exceptions=True)
        return left + len(self._inbox)

    async def _park(self) -> int:
        """Interrupt what still runs and end its lease, so that the next start takes it up."""
        parked = list(self._active.values())
        tasks = [self._tasks[run.id] for run in parked]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        records = []
        for run in parked:
            if run.state is RunState.RUNNING:
                run.lease_until = 0
                records.append(self._recorder.record(run))
        if records:
            await asyncio.wait(records, timeout=PAUSE_S)
        return len(parked)

    # Events.

    async def _route_offered(self) -> None:
        """Route what the front door handed over."""
        if not self._inbox or self._rulebook is None:
            self._news.clear()
            await self._news.wait()
            return
        batch = [self._inbox.popleft() for _ in range(min(len(self._inbox), BATCH_MAX))]
        self._routing = {event.id for event in batch}
        try:
            await self._route(batch)
        except StoreUnavailable:
            self._inbox.extendleft(reversed(batch))
            raise
        finally:
            self._routing = set()

    async def _route(self, events: Sequence[Event]) -> None:
        """Match a batch and record what fired in one commit; then set off what may run now."""
        async with self._judging:
            now = self._clock()
            routed = [self._match(event, now) for event in events]
            kept = await self._write(routed)
        for event, entry, is_ours in zip(events, routed, kept, strict=True):
            if not is_ours:
                self._release(entry.runs)
                continue
            self.observe(event)
            for run in entry.runs:
                if run.state is RunState.RUNNING:
                    self._set_off(run, event)
            if self._feed.wants_every:
                self._feed.publish(
                    Matched(
                        at=now,
                        id=event.id,
                        rules=[run.rule for run in entry.runs],
                        runs=[run.id for run in entry.runs],
                    )
                )

    async def _write(self, routed: list[Routed]) -> list[bool]:
        """Record a judged batch with what its conditions remember, or take the judgement back."""
        states = self._overtime.writes()
        if states:
            routed = [*routed, Routed(event_id="", states=states)]
        try:
            kept = await self._store.route(self.owner, routed)
        except BaseException:
            self._overtime.roll_back()
            for entry in routed:
                self._release(entry.runs)
            raise
        self._overtime.commit()
        return kept[: len(kept) - bool(states)]

    def _match(self, event: Event, now: int) -> Routed:
        assert self._rulebook is not None
        fired = self._overtime.judge(event, self._rulebook.select(event))
        return self._routed(event.id, fired, now)

    def _routed(self, event_id: str, fired: Sequence[Fired], now: int) -> Routed:
        """Turn firings into runs; those of another event than this wait to be claimed."""
        acting = [(rule, firing) for rule, firing in fired if rule.do]
        return Routed(
            event_id=event_id,
            runs=[
                self._new_run(rule, firing, now, is_here=firing.event_id == event_id)
                for rule, firing in acting
            ],
            versions=[self._bindings.of_rule(rule).version for rule, _ in acting],
        )

    async def _route_due(self) -> None:
        """Let conditions that wait for silence or quiet speak, once nothing older is unrouted."""
        due = self._overtime.next_due
        now = self._clock()
        if due is None or due > now or self._inbox:
            return
        async with self._judging:
            fired = self._overtime.until(now)
            await self._write([self._routed("", fired, now)])

    def _new_run(self, rule: Rule, firing: Firing, now: int, *, is_here: bool) -> Run:
        """Make the run of a rule that fired: running at once where there is room for it."""
        run = Run(
            id=new_id("run", now, self._random.getrandbits(48)),
            event_id=firing.event_id,
            rule=rule.name,
            version=rule.version,
            steps=[Step(name=spec.name, action=spec.action) for spec in rule.do],
            created_at=now,
            facts=firing.facts or None,
        )
        has_place = self._places.has_place(rule.name, rule.concurrency)
        if is_here and has_place and not self._is_stopping:
            run.state = RunState.RUNNING
            run.owner = self.owner
            run.lease_until = now + self._settings.lease_ms
            self._places.take(rule.name)
        return run

    def _release(self, runs: Sequence[Run]) -> None:
        for run in runs:
            if run.state is RunState.RUNNING:
                self._places.leave(run.rule)

    # Runs.

    def _set_off(self, run: Run, event: Event) -> None:
        """Start executing a run that is ours; it has its place already."""
        task = asyncio.get_running_loop().create_task(self._execution.run(run, event))
        self._tasks[run.id] = task
        self._active[run.id] = run
        task.add_done_callback(lambda done: self._ended(run, done))

    def _ended(self, run: Run, task: "asyncio.Task[None]") -> None:
        self._tasks.pop(run.id, None)
        self._active.pop(run.id, None)
        self._places.leave(run.rule)
        self._room.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"run {run.id} could not be executed", "exception": error}
            )

    async def _claim(self) -> None:
        """Take work from the store: unrouted events, runs that are due, leases that ran out."""
        now = self._clock()
        busy = False
        self._room.clear()  # what ends while we claim makes room for the next claim
        if self._rulebook is not None and len(self._inbox) < BATCH_MAX:
            events = await self._store.claim_events(
                self.owner, now=now, lease_until=now + self._settings.lease_ms, limit=BATCH_MAX
            )
            held = self._routing | {event.id for event in self._inbox}
            for event in (one for one in events if one.id not in held):  # a jump ended our lease
                self.offer(self._decoded(event))
            busy = len(events) == BATCH_MAX
        if not busy:
            self._notice_sleep(now)
            await self._route_due()
        room = self._places.free
        if room > 0 and self._rulebook is not None:
            runs = await self._store.claim_runs(
                self.owner,
                now=now,
                lease_until=now + self._settings.lease_ms,
                limit=room,
                exclude_rules=self._places.full(self._rulebook.ruleset.rules),
            )
            await self._resume(runs)
            busy = busy or len(runs) == room
        if busy:
            await asyncio.sleep(0)
            return
        await self._wait_for_room()

    def _notice_sleep(self, now: int) -> None:
        """Find out that the machine slept: far more time passed than this loop waits."""
        if now - self._seen_at > SLEEP_MS:
            self._overtime.awake_since = now
        self._seen_at = now

    async def _wait_for_room(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._room.wait()
                await asyncio.sleep(POLL_S / 20)  # several runs end together: claim once for all
        except TimeoutError:
            return

    async def _resume(self, runs: Sequence[Run]) -> None:
        """Set off claimed runs; those over their rule's limit go back."""
        back: list[Run] = []
        for run in runs:
            if run.id in self._tasks:
                continue  # our own, whose lease ran out: the clock jumped, or we were frozen
            rule = self._rulebook.by_name.get(run.rule) if self._rulebook else None
            limit = rule.concurrency if rule else None
            if self._places.is_full(run.rule, limit):
                back.append(_given_back(run))
                continue
            version = await self._store.rule_version(run.version)
            if version is not None:
                self._bindings.of_version(version)
            self._places.take(run.rule)
            self._set_off(run, await self._event_of(run))
        if back:
            await self._store.record(self.owner, back)

    async def _event_of(self, run: Run) -> Event:
        """Return the event of a claimed run; a timer's run may have none of its own."""
        record = await self._store.event(run.event_id) if run.event_id else None
        if record is not None:
            return self._decoded(record.event)
        return timer_event(run.event_id, run.created_at)

    def _decoded(self, event: Event) -> Event:
        """Read the body of an event that came from the store, as its source says."""
        value = value_of(self._sources.get(event.source), event.request)
        return msgspec.structs.replace(event, payload=value)

    async def _renew(self) -> None:
        """Keep the leases of what runs."""
        await asyncio.sleep(self._settings.lease_ms / 1000 / RENEWALS_PER_LEASE)
        held = list(self._tasks)
        if not held:
            return
        until = self._clock() + self._settings.lease_ms
        still = set(await self._store.renew(self.owner, held, lease_until=until))
        for run_id in held:
            if run_id not in still and run_id in self._tasks:
                self._tasks[run_id].cancel()


def _given_back(run: Run) -> Run:
    """Let go of a claimed run; an interrupted one stays so, and is judged by whoever claims it."""
    run.lease_until = 0
    if not run.is_interrupted:
        run.state, run.owner = RunState.PENDING, ""
    return run
