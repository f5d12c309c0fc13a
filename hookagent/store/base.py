"""The store as its callers see it: accept events, hand out work, record it, look things up.

One protocol, several engines (`sqlite`, `postgres`), one conformance suite
(`tests/store/conformance.py`). All times are Unix milliseconds and come from the caller; a store
reads no clock. Every awaited write is durable when it returns.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from hookagent.errors import OutsideError
from hookagent.event import Event, RawRequest
from hookagent.job import RunState, Step
from hookagent.store.looking import Looking
from hookagent.store.sharing import Sharing
from hookagent.verdict import Verdict

REJECTED_MAX = 1_000
"""Refused deliveries kept, unless the configuration says otherwise."""


class StoreUnavailable(OutsideError):
    """The store cannot take this now: full, locked, read-only, gone. Nothing was promised."""


class StoreFull(StoreUnavailable):
    """The writer's queue is at its bound: the caller answers 503 and the sender comes back."""


class Accepted(msgspec.Struct, frozen=True):
    """The answer to an accepted delivery."""

    id: str
    """The event's id; for a duplicate, the id of the event that was there first."""
    is_duplicate: bool = False


class EventState(StrEnum):
    """Where an event stands."""

    STORED = "stored"
    """Durable, its rules not yet matched."""
    ROUTED = "routed"
    """Its runs are recorded; it may have none."""


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that was not accepted, kept in a small ring for `verify` and `inspect`."""

    id: str
    source: str
    request: RawRequest
    verdict: Verdict | None
    """None where the refusal had another reason than the signature."""
    status: int
    error: str


class Run(msgspec.Struct, kw_only=True):
    """One rule that fired for one event, as recorded."""

    id: str
    event_id: str
    rule: str
    version: str = ""
    """Names the rule's actions as they were when it fired (`RuleVersion.hash`)."""
    state: RunState = RunState.PENDING
    step: int = 0
    """The index of the step it stands at."""
    steps: list[Step] = []
    created_at: int = 0
    due_at: int = 0
    """When a waiting run is to be tried next."""
    ended_at: int = 0
    """When it became done, dead or discarded, else 0."""
    owner: str = ""
    """Which worker holds the lease, else empty."""
    lease_until: int = 0
    reason: str = ""
    """Why it is dead."""
    facts: Any = None
    """What over-time conditions add for templates: `{"window": {…}, "key": {…}}` (JSON)."""
    order_key: str = ""
    """Runs of one rule that share it are worked off one after the other; empty for no order."""
    is_interrupted: bool = False
    """Set by `claim_runs`: it was running when its lease ran out; the outcome is unknown."""


class RuleVersion(msgspec.Struct, frozen=True, kw_only=True):
    """The `do` of a rule at the time it fired, so that a later edit does not change it."""

    hash: str
    rule: str
    steps: Any
    """The step tables as written, variables not expanded (JSON)."""


class StateWrite(msgspec.Struct, frozen=True, kw_only=True):
    """What an over-time condition remembers for one key of one rule."""

    rule: str
    key: str
    value: bytes | None
    """None forgets it."""
    due_at: int = 0
    """When it must be looked at without a further event (debounce, absence); 0 for never."""


class Routed(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of matching one event: written in one commit."""

    event_id: str
    """Empty when a timer fired rather than an event."""
    runs: Sequence[Run] = ()
    states: Sequence[StateWrite] = ()
    versions: Sequence[RuleVersion] = ()
    left_to_judge: Sequence[str] = ()
    """Rules over time that the judge must look at for this event; any puts it on the docket."""


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events, newest first. Empty means any."""

    source: str = ""
    type: str = ""
    """A glob: `pull_request.*`."""
    status: str = ""
    """`stored`, `routed`, `pending`, `running`, `waiting`, `done`, `dead`, `discarded`, `quiet`.

    A run's state means: has such a run; `quiet` means routed without any run.
    """
    rule: str = ""
    """Has a run of this rule."""
    verdict: str = ""
    """A verdict's code (`ok`, `unchecked`) or how much it covers (`body-signed`, `none`): the words
    of an `EventSummary`, whose `code` or `integrity` is this one. Refused deliveries are no events.
    """
    origin: str = ""
    parent: str = ""
    since: int = 0
    until: int = 0
    text: str = ""
    """Occurs in the body."""
    before: int = 0
    """Only sequence numbers below this: the way to the next page."""
    after: int = 0
    """Only sequence numbers above this: the way to follow; then oldest first.

    Where numbers are not given out in the order of commits, events that a lower number may still
    come before are held back, so that whoever follows misses none.
    """
    limit: int = 50


class EventSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a list."""

    seq: int
    """The store's own order of arrival; what pages are cut by."""
    id: str
    source: str
    type: str
    received_at: int
    method: str
    target: str
    size: int
    """Of the body, in bytes."""
    state: EventState
    origin: str
    parent: str
    code: str
    """The verdict's code."""
    integrity: str
    duplicates: int
    runs: dict[str, int]
    """How many runs in which state."""


class EventRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One event in full."""

    summary: EventSummary
    event: Event
    runs: list[Run]
    replays: list[str] = []
    """Ids of the events that replay this one."""


class RunFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs, newest first. Empty means any."""

    states: Sequence[RunState] = ()
    rule: str = ""
    event_id: str = ""
    since: int = 0
    before: str = ""
    """Only run ids that sort below this: the way to the next page."""
    limit: int = 50


class SourceStats(msgspec.Struct, frozen=True, kw_only=True):
    """What happened at one source within a span of time."""

    source: str
    events: int
    duplicates: int
    rejected: int
    last_received_at: int
    """0 where there never was one."""


class Minute(msgspec.Struct, frozen=True, kw_only=True):
    """What happened at one source within one minute."""

    source: str
    at: int
    """When the minute began, Unix milliseconds."""
    events: int
    duplicates: int
    rejected: int


class StoreStats(msgspec.Struct, frozen=True, kw_only=True):
    """The store as a whole."""

    events: int
    runs: dict[str, int]
    """All runs by state."""
    unrouted: int
    oldest_unrouted_at: int
    size_bytes: int
    used_bytes: int
    """Of these, what is not free for new events: the measure of a cap."""
    sources: list[SourceStats]


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """What one agent counted within one stretch of time."""

    at: int
    """When it began, a multiple of `span`."""
    span: int
    """How long it is, in milliseconds."""
    node: str
    """Who counted; empty where several did."""
    data: bytes
    """The figures: the store keeps them and does not look inside."""


Merge = Callable[[Sequence[bytes]], bytes]
"""Adds up the `data` of stretches; pure, and may be called on another thread."""


class Pruned(msgspec.Struct, frozen=True):
    """What a prune removed."""

    events: int
    runs: int
    rejected: int


class Store(Looking, Sharing, Protocol):
    """What every engine offers. Anything may raise StoreUnavailable."""

    async def open(self) -> None:
        """Open or make the store, migrate it, and check that it is ours and whole."""

    async def close(self) -> None:
        """Write what is queued, and let go."""

    async def take_over(self, owner: str) -> None:
        """End the leases of all others, where the engine lets only one agent in at a time.

        A shared engine does nothing: there the others may be alive.
        """

    # The accept path.

    def accept(
        self,
        event: Event,
        *,
        owner: str = "",
        lease_until: int = 0,
        is_quiet: bool = False,
    ) -> "asyncio.Future[Accepted]":
        """Store an event unless its (source, key) is there; resolved after the commit.

        A duplicate adds one to the first event's count instead. With `owner` the event comes in
        leased: that worker routes it from memory, and nobody claims it before `lease_until`. With
        `is_quiet` it comes in as routed, without any run: no rule asks for it.
        Raises StoreFull at once when the queue is at its bound; the future fails with
        StoreUnavailable when the commit does.
        """

    def reject(self, rejected: Rejected) -> None:
        """Keep a refused delivery in the ring, soon and without promise."""

    # Work.

    async def claim_events(
        self,
        owner: str,
        *,
        now: int,
        lease_until: int,
        limit: int,
    ) -> list[Event]:
        """Take stored events that nobody holds a live lease on, oldest first."""

    async def route(self, owner: str, routed: Sequence[Routed]) -> list[bool]:
        """Record what matching found, all in one commit.

        Marks events routed, inserts runs (a second run of one rule for one event is dropped) and
        keeps rule versions and over-time state. Runs may come in as running, leased by `owner`.
        False where another worker holds the event's lease or it was routed before: nothing of
        that entry was written.
        """

    async def claim_runs(
        self,
        owner: str,
        *,
        now: int,
        lease_until: int,
        limit: int,
        limits: Mapping[str, int] | None = None,
    ) -> list[Run]:
        """Take runs that are pending, waiting and due, or running with a lease that ran out.

        Of a rule in `limits` at most so many runs are under live leases then, whoever holds them;
        the others stay where they are.

        A run with an `order_key` is handed out only when no run of the same rule and key is running
        and none for an earlier event is pending or waiting, and no earlier event is still unrouted
        or may still be committed. Earlier is the one with the lower sequence number. A dead run
        holds up nobody; revived, it is in its old place again.
        """

    async def record(self, owner: str, runs: Sequence[Run]) -> list[bool]:
        """Write each run as it now stands; False where `owner` no longer holds its lease."""

    async def renew(self, owner: str, run_ids: Sequence[str], *, lease_until: int) -> list[str]:
        """Prolong leases; return the ids still held."""

    async def next_due(self) -> int | None:
        """Return when the next waiting run, lease or timer falls due, or None."""

    async def due_states(self, *, now: int, limit: int) -> list[StateWrite]:
        """Return over-time state whose `due_at` has come, earliest first."""

    async def states(self, rule: str = "") -> list[StateWrite]:
        """Return all over-time state, of one rule or of all."""

    # A person's hand on runs.

    async def revive(self, run_id: str, *, now: int) -> Run | None:
        """Make a dead run pending again with a fresh count of attempts; None if it is not dead."""

    async def discard(self, run_id: str, *, now: int) -> Run | None:
        """Set a dead run aside for good; None if it is not dead."""

    # Statistics.

    async def add_stretches(self, stretches: Sequence[Stretch]) -> None:
        """Keep what was counted, beside what is there: several may be of the same stretch."""

    async def stretches(self, *, since: int, until: int) -> list[Stretch]:
        """Return the stretches of which any moment lies in [since, until), oldest first."""

    async def widen_stretches(self, *, span: int, into: int, before: int, merge: Merge) -> int:
        """Make one of `into` ms out of the oldest ones of `span` ms, in one commit.

        Takes those of all nodes within the oldest stretch of `into` that was over by `before`, and
        returns how many: 0 when there are none left. Two that ask at the same time must not both
        take the same.
        """

    async def drop_stretches(self, *, before: int) -> int:
        """Remove the stretches that ended by then; return how many."""

    # Upkeep.

    async def prune(self, *, before: int, limit: int) -> Pruned:
        """Remove up to `limit` events older than that whose runs are all final, and their runs."""

    async def keep(self, name: str, value: bytes | None) -> None:
        """Keep a small named value (a handshake's secret, a cursor); None forgets it."""

    async def kept(self, name: str) -> bytes | None:
        """Return a kept value, or None."""
