"""The store as its callers see it: accept events, hand out work, record it, look things up.

One protocol, several engines (`sqlite`, `postgres`), one conformance suite
(`tests/store/conformance.py`). All times are Unix milliseconds and come from the caller; a store
reads no clock. Every awaited write is durable when it returns.
"""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from hookagent.errors import OutsideError
from hookagent.event import Event, RawRequest
from hookagent.job import RunState, Step
from hookagent.verdict import Verdict


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
    origin: str = ""
    parent: str = ""
    since: int = 0
    until: int = 0
    text: str = ""
    """Occurs in the body."""
    before: int = 0
    """Only sequence numbers below this: the way to the next page."""
    after: int = 0
    """Only sequence numbers above this: the way to follow; then oldest first."""
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
    sources: list[SourceStats]


class Pruned(msgspec.Struct, frozen=True):
    """What a prune removed."""

    events: int
    runs: int
    rejected: int


class Store(Protocol):
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
    ) -> "asyncio.Future[Accepted]":
        """Store an event unless its (source, key) is there; resolved after the commit.

        A duplicate adds one to the first event's count instead. With `owner` the event comes in
        leased: that worker routes it from memory, and nobody claims it before `lease_until`.
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
        exclude_rules: Sequence[str] = (),
    ) -> list[Run]:
        """Take runs that are pending, waiting and due, or running with a lease that ran out.

        Runs of excluded rules stay where they are: those rules are at their concurrency limit.
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

    # Looking.

    async def events(self, wanted: EventFilter) -> list[EventSummary]:
        """List events."""

    async def event(self, event_id: str) -> EventRecord | None:
        """Return one event in full, or None."""

    async def event_ids_like(self, beginning: str, limit: int) -> list[str]:
        """Return ids of events that begin so, for hints and completion."""

    async def runs(self, wanted: RunFilter) -> list[Run]:
        """List runs."""

    async def run(self, run_id: str) -> Run | None:
        """Return one run, or None."""

    async def rule_version(self, version: str) -> RuleVersion | None:
        """Return the recorded actions of a rule, or None."""

    async def rejected(self, *, limit: int, source: str = "") -> list[Rejected]:
        """List refused deliveries, newest first."""

    async def rejection(self, rejected_id: str) -> Rejected | None:
        """Return one refused delivery, or None."""

    async def stats(self, *, since: int) -> StoreStats:
        """Count; sources within the time since then."""

    async def activity(self, *, since: int) -> list[Minute]:
        """Return the minutes since then in which something happened, oldest first.

        Begins with the full minute before. Costs by what is returned, not by what is stored.
        """

    # Upkeep.

    async def prune(self, *, before: int, limit: int) -> Pruned:
        """Remove up to `limit` events older than that whose runs are all final, and their runs."""

    async def keep(self, name: str, value: bytes | None) -> None:
        """Keep a small named value (a handshake's secret, a cursor); None forgets it."""

    async def kept(self, name: str) -> bytes | None:
        """Return a kept value, or None."""
