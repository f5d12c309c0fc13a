"""The judge: rules over time, where several nodes route the events of one store.

    any worker routes ──docket──> the judge, one node at a time ──> runs, states, off the docket

Every worker matches the events it takes and makes the runs of plain rules. What concerns a rule
over time it leaves to the judge, in the commit that routes the event. The judge takes the docket in
order of arrival, with what conditions remember in its memory (`overtime.py`, as where one process
does all), and writes what comes of it in one commit. The store refuses that commit when another
node has the duty by then; so however the duty changes hands, each event is judged once, after all
that came before it, and five workers give the answers of one.

Only what nothing earlier can overtake any more is on the docket (`sharing.SETTLE_MS`), which is why
a rule over time fires a second later on a shared store.
"""

import asyncio
import random
import secrets
from collections.abc import Callable, Sequence

import msgspec

from hookagent.event import Event
from hookagent.pipeline.duty import LEASE_MS, RENEW_S, Duties
from hookagent.pipeline.firing import new_run
from hookagent.pipeline.overtime import Fired, Overtime
from hookagent.pipeline.rulebook import Rulebook
from hookagent.rules.model import Rule
from hookagent.store.base import Routed, RuleVersion, Store
from hookagent.store.sharing import JUDGE, SETTLE_MS, Entry, News

BATCH_MAX = 256
"""Events judged in one commit."""
POLL_S = 1.0
AWAKE = "judge:awake"
"""Where it is kept since when some judge has been awake."""
AWAKE_KEPT_EVERY_MS = 5_000
SLEEP_MS = 60_000
"""After a longer time without any judge, what was due meanwhile was not silence but our sleep."""
UNKNOWN_KEPT_MS = 24 * 3_600_000
"""What a rule remembers is kept so long where the judge does not know the rule: in a rolling change
the next judge may."""


class _Awake(msgspec.Struct, frozen=True, kw_only=True):
    since: int
    seen_at: int


class Judge:
    """A node's readiness to judge, and its judging while it has the duty."""

    def __init__(
        self,
        store: Store,
        owner: str,
        clock: Callable[[], int],
        decoded: Callable[[Event], Event],
        version_of: Callable[[Rule], RuleVersion],
    ) -> None:
        self._store = store
        self._owner = owner
        self._clock = clock
        self._decoded = decoded
        self._version_of = version_of
        self._duties = Duties(store, owner, clock)
        self._random = random.Random(secrets.token_bytes(32))  # noqa: S311 - ids, no secrets
        self._rulebook: Rulebook | None = None
        self._used: Rulebook | None = None
        self._overtime: Overtime | None = None
        """None while another judges, and where what is remembered must be read again."""
        self._held_at = 0
        self._awake = _Awake(since=0, seen_at=0)
        self._news = asyncio.Event()

    def use(self, rulebook: Rulebook) -> None:
        """Judge by these rules from the next batch on."""
        self._rulebook = rulebook

    def heard(self, news: News) -> None:
        """Take a hint that the docket may have grown."""
        if news is News.DOCKET:
            self._news.set()

    @property
    def is_judging(self) -> bool:
        """Whether this node is the judge, as far as it knows."""
        return self._overtime is not None

    async def once(self) -> None:
        """Judge a batch, or wait for one; to be called again and again. Raises StoreUnavailable."""
        rulebook = self._rulebook
        if rulebook is None or not await self._is_ours():
            self._overtime = None
            await asyncio.sleep(RENEW_S)
            return
        overtime = await self._remembering(rulebook)
        if not await self._batch(overtime, rulebook):
            await self._wait()

    async def _is_ours(self) -> bool:
        """Take or prolong the duty, unless it was prolonged a moment ago."""
        now = self._clock()
        is_fresh = self._overtime is not None and 0 <= now - self._held_at < RENEW_S * 1000
        if is_fresh:
            return True
        self._held_at = now
        return await self._duties.hold(JUDGE)

    async def resign(self) -> None:
        """Give the duty back."""
        self._overtime = None
        await self._duties.let_go(JUDGE)

    async def _remembering(self, rulebook: Rulebook) -> Overtime:
        """Return what conditions remember, read anew where the duty has just become ours."""
        overtime = self._overtime
        if overtime is None:
            overtime = Overtime(self._store, unknown_kept_ms=UNKNOWN_KEPT_MS)
            overtime.use(rulebook.ruleset, rulebook.follow)
            await overtime.load()
            kept = await self._store.kept(AWAKE)
            self._awake = _last_awake(kept)
            self._overtime, self._used = overtime, rulebook
        elif self._used is not rulebook:
            overtime.use(rulebook.ruleset, rulebook.follow)
            self._used = rulebook
        await self._stay_awake(overtime)
        return overtime

    async def _stay_awake(self, overtime: Overtime) -> None:
        """Note that a judge is awake; find out since when there has been one without a gap."""
        now = self._clock()
        gap = now - self._awake.seen_at
        if gap > SLEEP_MS:
            self._awake = _Awake(since=now, seen_at=now)
        elif gap > AWAKE_KEPT_EVERY_MS or gap < 0:
            self._awake = _Awake(since=self._awake.since, seen_at=now)
        else:
            overtime.awake_since = self._awake.since
            return
        overtime.awake_since = self._awake.since
        await self._store.keep(AWAKE, msgspec.json.encode(self._awake))

    async def _batch(self, overtime: Overtime, rulebook: Rulebook) -> bool:
        """Judge what is on the docket; return whether there is likely more."""
        now = self._clock()
        docket = await self._store.docket(before=now - SETTLE_MS, limit=BATCH_MAX)
        try:
            judged = [self._judged(overtime, rulebook, entry, now) for entry in docket.entries]
            late = self._routed(None, overtime.until(docket.until), now)
            states = overtime.writes()
            if late.runs or states:
                judged.append(msgspec.structs.replace(late, states=states))
            if judged and not await self._store.judge(self._owner, judged):
                self._overtime = None  # another is the judge; what we remember is out of date
                return False
        except BaseException:
            # Whether it was written is unknown, so what is remembered is read from the store again.
            self._overtime = None
            raise
        overtime.commit()
        return len(docket.entries) == BATCH_MAX

    def _judged(self, overtime: Overtime, rulebook: Rulebook, entry: Entry, now: int) -> Routed:
        """Judge one event by the rules over time, and by any that was left to the judge.

        In a rolling change a rule may be over time for the node that routed, and plain for this
        one: it was left to the judge, so it is the judge who lets it fire.
        """
        event = self._decoded(entry.event)
        matched = [
            rule for rule in rulebook.select(event) if rule.is_over_time or rule.name in entry.rules
        ]
        return self._routed(event, overtime.judge(event, matched), now)

    def _routed(self, event: Event | None, fired: Sequence[Fired], now: int) -> Routed:
        acting = [(rule, firing) for rule, firing in fired if rule.do]
        return Routed(
            event_id=event.id if event else "",
            runs=[
                new_run(rule, firing, event, now, self._random.getrandbits(48))
                for rule, firing in acting
            ],
            versions=[self._version_of(rule) for rule, _ in acting],
        )

    async def _wait(self) -> None:
        """Wait until the docket has something to judge, as far as hints go."""
        try:
            async with asyncio.timeout(min(POLL_S, LEASE_MS / 4_000)):
                await self._news.wait()
        except TimeoutError:
            return
        await asyncio.sleep(SETTLE_MS / 1000)
        self._news.clear()


def left_to_judge(event: Event, matched: Sequence[Rule], rulebook: Rulebook) -> list[str]:
    """Return the rules over time that an event concerns; none keeps it off the docket."""
    names = [rule.name for rule in matched if rule.is_over_time]
    if rulebook.ruleset.followers:
        names += [rule.name for rule in rulebook.follow(event)]
    return names


async def awake_since(store: Store, now: int) -> int:
    """Return since when some node has been awake without a gap: now, where none was lately."""
    last = _last_awake(await store.kept(AWAKE))
    return last.since if now - last.seen_at <= SLEEP_MS else now


def _last_awake(kept: bytes | None) -> _Awake:
    try:
        return msgspec.json.decode(kept or b"", type=_Awake)
    except msgspec.MsgspecError:
        return _Awake(since=0, seen_at=0)
