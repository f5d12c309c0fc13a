"""The worker: takes stored events, matches rules, runs their steps, records what came of it.

    offered or claimed event ──match──> runs recorded in one commit ──> executed ──> recorded

Events come from memory (offered by the front door under a lease that was stored with them) or from
the store (left over from a crash, a full queue, another process). Runs beyond what may run at once
are recorded as pending and claimed when there is room. Every wait has a bound and every outcome is
recorded before the next step begins, so that killing the process at any moment loses nothing and
repeats no completed step.

On a shared store several workers do so at once. What must be decided in one place is left to it:
rules over time to the judge (`judge.py`), the order of runs and the limits of rules to the store,
which hands such runs out; none of them begins from memory.
"""

import asyncio
import math
import random
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from hookagent.actions.base import Outside
from hookagent.config.model import Source
from hookagent.config.model import Worker as WorkerSettings
from hookagent.event import Event
from hookagent.job import RunState
from hookagent.pipeline.atonce import AtOnce
from hookagent.pipeline.beginning import Beginning
from hookagent.pipeline.emitting import timer_event
from hookagent.pipeline.execution import Execution
from hookagent.pipeline.feed import Feed, Matched
from hookagent.pipeline.foresight import Foresight
from hookagent.pipeline.gate import value_of
from hookagent.pipeline.hands import AHEAD_S, Hands, given_back, limits_of, may_wait
from hookagent.pipeline.judge import Judge, left_to_judge
from hookagent.pipeline.leases import Leases
from hookagent.pipeline.loops import Uncut, forever
from hookagent.pipeline.overtime import Overtime, at_once
from hookagent.pipeline.recorder import Recorder
from hookagent.pipeline.rulebook import Bindings, Rulebook
from hookagent.store.base import Routed, Run, Store, StoreUnavailable
from hookagent.store.sharing import News

INBOX_MAX = 4_096
"""Events kept in memory between their commit and their routing."""
BATCH_MAX = 256
"""Events routed in one commit."""
CLAIM_MAX = 256
"""Runs claimed in one commit that have no place yet."""
POLL_S = 1.0
"""How often the store is asked for work that did not come from memory."""
PAUSE_S = 1.0
"""How long to wait after the store refused something."""
EVENT_LEASE_MS = 10_000
"""How long an event is one worker's before it is routed, on a shared store: what it holds up there
(rules over time, runs in order) waits no longer for a worker that died. Routing is fenced."""
END = 1 << 62  # later than any event


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
        self._random = random.Random(secrets.token_bytes(32))  # noqa: S311 - ids and jitter, no secrets
        self.observe: Callable[[Event], None] = lambda _event: None
        """Told of every event that was routed here, once its routing is on disk."""
        self._rulebook: Rulebook | None = None
        self._bindings = Bindings(outside.environment, outside.allows)
        self._recorder = Recorder(store, feed, owner, clock)
        self.leases = Leases(store, owner, settings.lease_ms, clock)
        parts = (self._recorder, self._bindings, outside, clock, self._random.random)
        self._execution = Execution(*parts, is_ours=self.leases.is_ours, dry_run=dry_run)
        self._hands = Hands(
            settings.concurrency,
            self._execution.run,
            ahead_s=AHEAD_S if store.is_shared else math.inf,  # others may have a place free
        )
        self._at_once = AtOnce(self._execution.run_at_once)
        self._foresight = Foresight()
        self._overtime = Overtime(store)
        self._event_lease_ms = min(settings.lease_ms, EVENT_LEASE_MS if store.is_shared else END)
        self._beginning = Beginning(
            self._hands,
            self._at_once,
            self._bindings,
            lambda: self._random.getrandbits(48),
            owner=owner,
            run_lease_ms=settings.lease_ms,
            event_lease_ms=self._event_lease_ms if store.is_shared else None,
        )
        self.hurry = self._hands.hurry
        self._judge: Judge | None = None
        """Where several workers share the store: rules over time are left to it."""
        self._has_seen_docket = False
        self._judging = asyncio.Lock()
        self._inbox: deque[Event] = deque()
        self._noted: list[Event] = []
        """Events that no rule asks for, until they are told of."""
        self._routing: set[str] = set()
        self._news = asyncio.Event()
        self._uncut = Uncut()
        self._loops: list[asyncio.Task[None]] = []

    # The front door's view.

    def wants(self, event: Event) -> bool:
        """Whether an event is to be routed; False where no rule in force asks for it."""
        return len(self._inbox) >= INBOX_MAX or self._foresight.wants(event)

    def lease(self, now: int) -> int:
        """Return until when an offered event is ours, or 0 where memory is full."""
        if self._beginning.is_stopping or len(self._inbox) >= INBOX_MAX:
            return 0
        return now + self._event_lease_ms

    def offer(self, event: Event) -> None:
        """Take an event that was stored under our lease."""
        self._inbox.append(event)
        self._news.set()

    def note(self, event: Event) -> None:
        """Hear of an event that was stored and that no rule asks for."""
        self._noted.append(event)
        self._news.set()

    # Life.

    def observe_done(self, told: Callable[[Run, int], None]) -> None:
        """Tell of every run that is done here, and when, once that is on disk."""
        self._execution.observe_done = told

    def use(self, rulebook: Rulebook) -> None:
        """Match with these rules from now on."""
        self._rulebook = rulebook
        self._foresight.use(rulebook)
        self._beginning.use(rulebook.ruleset.rules)
        if self._judge is None:
            self._overtime.use(rulebook.ruleset, rulebook.follow)
        else:
            self._judge.use(rulebook)

    @property
    def rulebook(self) -> Rulebook | None:
        """The rules in force."""
        return self._rulebook

    @property
    def running(self) -> int:
        """Runs that act; those that only wait for their turn are none."""
        return len(self._hands) - len(self._execution.waiting)

    @property
    def waiting(self) -> int:
        """Events in memory that are not routed yet."""
        return len(self._inbox)

    async def start(self) -> None:
        """Begin to work."""
        await self._store.take_over(self.owner)
        create = asyncio.get_running_loop().create_task
        is_left = self._store.is_shared or await self._is_judging_left()
        if not is_left:
            await self._overtime.load()
        keep_leases = partial(self.leases.keep_in_time, self._hands)
        self._loops = [
            create(forever(self._route_offered, self._feed, self._clock), name="route"),
            create(forever(self._claim, self._feed, self._clock), name="claim"),
            create(forever(keep_leases, self._feed, self._clock), name="renew"),
            create(self._recorder.run(), name="record"),
        ]
        if is_left:
            self._leave_to_judge()

    async def _is_judging_left(self) -> bool:
        """Whether nodes left something to judge in the store that this one was copied from."""
        found = await self._store.docket(before=END, limit=1)
        self._has_seen_docket = found.until == END
        return bool(found.entries)

    def _leave_to_judge(self) -> None:
        """From now on, rules over time are the judge's, which this node may be."""
        self._judge = Judge(
            self._store, self.owner, self._clock, self.decoded, self._beginning.version_of
        )
        if self._rulebook is not None:
            self._judge.use(self._rulebook)
        self._store.listen(self._heard)
        judging = forever(self._judge.once, self._feed, self._clock)
        self._loops.insert(0, asyncio.get_running_loop().create_task(judging, name="judge"))

    async def stop(self) -> int:
        """Take nothing new, give what runs its grace, park the rest; return how many were left."""
        self._beginning.is_stopping = True
        self._hands.close()
        for loop in self._loops[:-1]:
            loop.cancel()
        await asyncio.gather(*self._loops[:-1], return_exceptions=True)
        await self._uncut.settle()
        if self._judge is not None:
            await self._judge.resign()
        back = await self._hands.unbegun(self._execution.waiting)
        await self._hands.finish(self._settings.grace_ms / 1000)
        parked = await self._hands.park()
        records = [self._recorder.record(run) for run in (*back, *parked)]
        if records:
            await asyncio.wait(records, timeout=PAUSE_S)
        self._recorder.close()
        await asyncio.gather(*self._loops[-1:], return_exceptions=True)
        return len(records) + len(self._inbox)

    def _heard(self, news: News) -> None:
        """Look for work at once: another node says that there is some."""
        if self._judge is not None:
            self._judge.heard(news)
        if news is not News.DOCKET:
            self._hands.freed.set()

    # Events.

    async def _route_offered(self) -> None:
        """Route what the front door handed over."""
        noted, self._noted = self._noted, []
        for event in noted:
            self._tell_matched(event, [], self._clock())
        if not self._inbox or self._rulebook is None:
            self._news.clear()
            await self._news.wait()
            return
        batch = [self._inbox.popleft() for _ in range(min(len(self._inbox), BATCH_MAX))]
        self._routing = {event.id for event in batch}
        try:
            await self._uncut.do(self._route(batch))
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
                self._hands.release(entry.runs)
                continue
            self._tell_matched(event, entry.runs, now)
            for run in entry.runs:
                if run.state is RunState.RUNNING:
                    self._hands.begin(run, event)
                elif run.order_key:
                    self._hands.freed.set()  # it may be claimed at once
                else:
                    self._at_once.tell(event, run)
        self._at_once.clear()

    def _tell_matched(self, event: Event, runs: Sequence[Run], now: int) -> None:
        """Tell of an event whose routing is on disk."""
        self.observe(event)
        if self._feed.tracing is not None:
            self._feed.tracing.matched(event, [run.rule for run in runs], now)
        if self._feed.wants_every:
            rules, ids = [run.rule for run in runs], [run.id for run in runs]
            self._feed.publish(Matched(at=now, id=event.id, rules=rules, runs=ids))

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
                self._hands.release(entry.runs)
            raise
        self._overtime.commit()
        return kept[: len(kept) - bool(states)]

    def _match(self, event: Event, now: int) -> Routed:
        assert self._rulebook is not None
        matched = self._foresight.matched(event, self._rulebook)
        if self._judge is None:
            return self._beginning.routed(event, self._overtime.judge(event, matched), now)
        plain = [(rule, at_once(event)) for rule in matched if not rule.is_over_time]
        left = left_to_judge(event, matched, self._rulebook)
        return self._beginning.routed(event, plain, now, left)

    async def _route_due(self, now: int) -> None:
        """Let conditions that wait for silence or quiet speak, once nothing older is unrouted.

        What came by `now` is in the inbox or routed: the store answered a question put later.
        """
        due = self._overtime.next_due
        if self._judge is not None or self._inbox:
            return
        async with self._judging:
            if not self._has_seen_docket and await self._is_judging_left():
                self._leave_to_judge()
            elif due is not None and due <= now and not self._inbox:
                fired = self._overtime.until(now)
                await self._write([self._beginning.routed(None, fired, now)])

    # Runs.

    async def _claim(self) -> None:
        """Take work from the store: unrouted events, runs that are due, leases that ran out."""
        now = self._clock()
        busy = False
        self._hands.now_claiming()
        if self._rulebook is not None and len(self._inbox) < BATCH_MAX:
            events = await self._store.claim_events(
                self.owner, now=now, lease_until=now + self._event_lease_ms, limit=BATCH_MAX
            )
            held = self._routing | {event.id for event in self._inbox}
            for event in (one for one in events if one.id not in held):  # a jump ended our lease
                self.offer(self.decoded(event))
            busy = len(events) == BATCH_MAX
        if not busy:
            self._overtime.notice_sleep(now)
            await self._route_due(now)
        busy = await self._uncut.do(self._claim_runs(now)) or busy
        await (asyncio.sleep(0) if busy else self._hands.until_freed(POLL_S))

    async def _claim_runs(self, now: int) -> bool:
        """Take runs for which there is a place, or some ahead; True where there may be more."""
        hands = self._hands
        room = hands.free or min(hands.ahead, CLAIM_MAX)
        if room <= 0 or self._rulebook is None:
            return False
        rules = self._rulebook.ruleset.rules
        closed = hands.full(rules) if hands.free else [r.name for r in rules if not may_wait(r)]
        limits = dict.fromkeys(closed, 0)
        if self._store.is_shared:  # others may be at it too
            limits = limits_of(rules) | limits
        runs = await self._store.claim_runs(
            self.owner,
            now=now,
            lease_until=now + self._settings.lease_ms,
            limit=room,
            limits=limits,
        )
        await self._resume(runs)
        return len(runs) == room

    async def _resume(self, runs: Sequence[Run]) -> None:
        """Set off claimed runs; those over their rule's limit, or over ours by now, go back."""
        back: list[Run] = []
        ours = [run for run in runs if run.id not in self._hands]  # a jump ended our own lease
        events = await self._events_of(ours)
        for run in ours:
            rule = self._rulebook.by_name.get(run.rule) if self._rulebook else None
            if not self._hands.has_room_for(rule):
                back.append(given_back(run))
                continue
            if self._bindings.get(run.version) is None:
                version = await self._store.rule_version(run.version)
                if version is not None:
                    self._bindings.of_version(version)
            event = events.get(run.event_id) or timer_event(run.event_id, run.created_at)
            self._hands.take_up(run, event)
        if back:
            await self._store.record(self.owner, back)

    async def _events_of(self, runs: Sequence[Run]) -> dict[str, Event]:
        """Return the events of claimed runs by id; a timer's run may have none of its own."""
        ids = {run.event_id for run in runs if run.event_id}
        found = await self._store.events_of(list(ids)) if ids else []
        return {event.id: self.decoded(event) for event in found}

    def decoded(self, event: Event) -> Event:
        """Read the body of an event that came from the store, as its source says."""
        value = value_of(self._sources.get(event.source), event.request)
        return msgspec.structs.replace(event, payload=value)
