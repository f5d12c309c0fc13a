"""Watching: listens to the feed, asks the store now and then, and says what a person should know.

    feed, worker, store, breakers, disk ──> watch.builtin, expecting ──> alerts
                                                    alert ──> feed (the terminal, the log)
                                                          └─> event of source `hookagent`

An alert of an expectation always becomes an event. One of a built-in watch does where an enabled
rule asks for source `hookagent`; without such a rule it is said and nothing is stored. What comes
of our own events is not watched, so an alert cannot lead to itself.
"""

import asyncio
import shutil
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from hookagent.actions.base import Emission, Emit
from hookagent.actions.circuit import Circuit, CircuitState
from hookagent.config.model import Config
from hookagent.event import Event
from hookagent.pipeline.expecting import Expecting
from hookagent.pipeline.feed import Delivered, Feed, Happening, Logged, Ran, Trouble, Tunnel
from hookagent.pipeline.rulebook import Rulebook
from hookagent.rules.patterns import fits_glob
from hookagent.store.base import Run, Store, StoreUnavailable
from hookagent.template.sinks import terminal_safe
from hookagent.watch.alert import Alert
from hookagent.watch.builtin import Measured, Memory, Watches
from hookagent.watch.expectation import SILENCE
from hookagent.watch.expiry import Ends
from hookagent.watch.settings import Thresholds

SOURCE = "hookagent"
"""The source of the events that alerts become."""
TICK_MS = 1_000
BREATH_S = 0.1
"""How long happenings gather, so that a busy feed wakes this task seldom."""
MEASURE_MS = 30_000
SLEEP_MS = 60_000
"""A gap of more than this between two ticks means that the machine slept."""
KEEP_MS = 60_000
OWN_MAX = 1_000
"""Ids of our own events that are remembered, to leave what comes of them alone."""
UNSAID_MAX = 1_000
MEMORY = "watch:builtin"


def _no_ends(_now: int) -> Sequence[Ends]:
    """Stand in where nothing with an end is known."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What watching is wired to."""

    config: Config
    store: Store
    feed: Feed
    emit: Emit
    rulebook: Callable[[], Rulebook | None]
    breakers: Callable[[], Mapping[str, Circuit]]
    clock: Callable[[], int]
    disk_free: Callable[[], int | None]
    awake_since: int = 0
    """Since when some node has watched without a gap, Unix milliseconds; 0: since now."""
    ends: Callable[[int], Sequence[Ends]] = _no_ends
    """Certificates and tokens whose end is known, at a moment."""


class Watching:
    """The watches of one agent."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        now = parts.clock()
        config = parts.config
        thresholds = config.watch.thresholds or Thresholds()
        self.expecting = Expecting(config, parts.store)
        self.expecting.awake_since = parts.awake_since or now
        self._watches = Watches(thresholds, config.sources, now)
        self._unsaid: deque[Alert] = deque(maxlen=UNSAID_MAX)
        self._own: deque[str] = deque(maxlen=OWN_MAX)
        self._ticked_at = now
        self._measured_at = 0
        self._kept_at = now
        self._is_loaded = False

    def saw(self, event: Event) -> None:
        """Take an event that was routed."""
        self.expecting.saw(event)
        if event.source != SOURCE:
            self._hear(
                self._watches.delivered(
                    event.source, "accepted", "", "", event.id, event.received_at
                )
            )
        signed_at = event.verdict.signed_at
        if signed_at is not None and event.origin == "live":
            self._hear(self._watches.signed(event.source, signed_at, event.received_at))

    def done(self, run: Run, at: int) -> None:
        """Take a run that is done."""
        if run.event_id not in self._own:
            self._hear(self._watches.ran(run.rule, "done", "", run.id, at))

    async def run(self) -> None:
        """Watch until cancelled."""
        subscription = self._parts.feed.subscribe(every=False)
        batch = asyncio.ensure_future(subscription.batch())
        try:
            while True:
                done, _ = await asyncio.wait({batch}, timeout=TICK_MS / 1000)
                if done:
                    news = batch.result()
                    if not news:
                        return
                    for happening in news:
                        if not self._is_told_by_the_store(happening):
                            self.take(happening)
                    await asyncio.sleep(BREATH_S)
                    batch = asyncio.ensure_future(subscription.batch())
                await self.tick(self._parts.clock())
        finally:
            batch.cancel()
            self._parts.feed.unsubscribe(subscription)

    def _is_told_by_the_store(self, happening: Happening) -> bool:
        """Whether `following` shows it: it has what happened at every node, ours included."""
        is_there = isinstance(happening, Delivered) or (
            isinstance(happening, Ran) and happening.state == "dead"
        )
        return is_there and self._parts.store.is_shared

    def take(self, happening: Happening) -> None:
        """Take one thing that happened."""
        watches, at = self._watches, happening.at
        match happening:
            case Delivered(source=source, outcome="rejected") if source != SOURCE:
                self._hear(
                    watches.delivered(
                        source, happening.outcome, happening.code, happening.detail,
                        happening.id, at,
                    )
                )  # fmt: skip
            case Ran() if happening.state != "done" and happening.id not in self._own:
                self._hear(
                    watches.ran(happening.rule, happening.state, happening.error, happening.run, at)
                )
            case Tunnel(state=state, detail=detail):
                self._hear(watches.tunnel(self._parts.config.tunnel.provider, state, detail, at))
            case _:
                pass

    async def tick(self, now: int) -> None:
        """Let time pass; a store that is away is asked again at the next tick."""
        if abs(now - self._ticked_at) > SLEEP_MS:
            self._watches.slept(now)
            self.expecting.awake_since = now
        elif now - self._ticked_at < TICK_MS:
            return
        self._ticked_at = now
        with suppress(StoreUnavailable):  # the worker says that it is away
            if not self._is_loaded:
                await self._load(now)
            await self._look(now)
        await self._say_all(now)

    async def _load(self, now: int) -> None:
        kept = await self._parts.store.kept(MEMORY)
        if kept is not None:
            with suppress(msgspec.MsgspecError):  # written by another version: begin anew
                self._watches.recall(msgspec.json.decode(kept, type=Memory))
        await self.expecting.load(now)
        self._is_loaded = True

    async def _look(self, now: int) -> None:
        self._hear(self._watches.tick(now))
        if now - self._measured_at >= MEASURE_MS:
            self._measured_at = now
            self._hear(self._watches.measured(await self._measure(now), now))
        if self.expecting:
            self._hear(await self.expecting.look(now))

    async def _measure(self, now: int) -> Measured:
        stats = await self._parts.store.stats(since=now)
        breakers = self._parts.breakers()
        return Measured(
            oldest_unrouted_at=stats.oldest_unrouted_at,
            disk_free=self._parts.disk_free(),
            open_breakers={
                target: one.failures
                for target, one in breakers.items()
                if one.state is not CircuitState.CLOSED
            },
            ends=self._parts.ends(now),
        )

    # Saying.

    def _hear(self, alerts: list[Alert]) -> None:
        for alert in alerts:
            self._unsaid.append(alert)
            self._parts.feed.publish(_shown(alert))

    async def _say_all(self, now: int) -> None:
        """Store what is to be an event, then what must be remembered of it."""
        is_news = bool(self._unsaid)
        with suppress(StoreUnavailable):  # what could not be stored is tried at the next tick
            while self._unsaid:
                await self._store_event(self._unsaid[0])
                self._unsaid.popleft()
            await self.expecting.keep(now, at_once=is_news)
            if self._is_loaded and (is_news or now - self._kept_at >= KEEP_MS):
                self._kept_at = now
                memory = msgspec.json.encode(self._watches.memory())
                await self._parts.store.keep(MEMORY, memory)

    async def _store_event(self, alert: Alert) -> None:
        is_expectation = SILENCE in {alert.type, alert.watch}
        if not is_expectation and not self._is_asked_for():
            return
        event_id = await self._parts.emit(
            Emission(
                source=SOURCE,
                type=alert.type,
                payload=_payload(alert),
                parent="",
                key=alert.key,
                hop=0,
            )
        )
        self._own.append(event_id)

    def _is_asked_for(self) -> bool:
        """Whether a rule is `on` our own events; one that is on every source does not count."""
        rulebook = self._parts.rulebook()
        rules = rulebook.ruleset.rules if rulebook else ()
        return any(
            pattern.source != "*" and fits_glob(pattern.source, SOURCE)
            for rule in rules
            if rule.enabled
            for pattern in rule.on
        )


def _payload(alert: Alert) -> dict[str, object]:
    """Return what rules see of an alert; fields are only ever added."""
    return {
        "subject": alert.subject,
        "watch": alert.watch or alert.type,
        "recovered": alert.is_recovery,
        "message": alert.message,
        "hint": alert.hint,
        "at": alert.at,
        "since": alert.since,
        "reminder": alert.reminder,
        "facts": alert.facts,
    }


def _shown(alert: Alert) -> Happening:
    """Return what the terminal says; strangers' words are in it, so it is made safe here."""
    message = _one_line(f"{alert.watch or alert.type}: {alert.message}")
    if alert.is_recovery:
        return Logged(at=alert.at, line=message)
    part = f"watch {alert.type} {alert.subject}"
    return Trouble(at=alert.at, part=_one_line(part), message=message, hint=_one_line(alert.hint))


def _one_line(text: str) -> str:
    return terminal_safe(text).replace("\n", "\\n").replace("\t", "\\t")


def free_below(config: Config) -> Callable[[], int | None]:
    """Return what says how many bytes are free where the store is."""

    def free() -> int | None:
        try:
            return shutil.disk_usage(config.state_folder).free
        except OSError:
            return None

    return free
