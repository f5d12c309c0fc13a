"""What an engine offers so that its whole store can be carried into another one.

A store is a handful of parts. `EVENTS` and `RUNS` grow without end: they are read in the order in
which the store numbered them and can be carried while the source is in use. All other parts are
small and change all the time: they are carried whole, once the source stands still.

Rows are the same for all engines: `Event`, `Run`, or a tuple as `COLUMNS` names it.
"""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Protocol

import msgspec

from hookagent.errors import OutsideError
from hookagent.event import Event, Headers
from hookagent.job import RunState
from hookagent.store.base import Run

MARK = "store.copy"
"""The kept value that says how far a copy into this store has come."""
IDENTITY = "store.identity"
"""The kept value that tells a store from all others; made when it is first copied."""
OWN_NAMES = (MARK, IDENTITY)
"""Kept values that belong to one store and are not carried."""

PAGE_ROWS = 1_000
PAGE_BYTES = 8 * 1024 * 1024
"""Bodies in one page: beyond this only one more row fits. Bounds the memory."""
IN_USE_HINT = "stop it first; `--ahead` copies meanwhile what can no longer change"
LEASE_OVER = 1
"""Stands for the lease of a run that was running: over for long, so that anyone may take it."""


class Part(StrEnum):
    """A part of a store."""

    EVENTS = "events"
    """As they arrived: headers, body, verdict, key. Never changes."""
    RUNS = "runs"
    """With their steps and attempts."""
    RULE_VERSIONS = "rule_versions"
    UNROUTED = "unrouted"
    """Events whose rules are not matched yet."""
    DUPLICATES = "duplicates"
    """How often events came again."""
    DOCKET = "docket"
    """Events that rules over time have not looked at."""
    STATES = "states"
    """What rules over time remember."""
    REJECTED = "rejected"
    KEPT = "kept"
    """Small named values: secrets, cursors, budgets, breakers."""
    STRETCHES = "statistics"
    TALLY = "tallies"
    """What happened at each source minute by minute; also of events that are gone."""


GROWING = (Part.EVENTS, Part.RUNS)
SMALL = tuple(part for part in Part if part not in GROWING)

COLUMNS = {
    Part.RULE_VERSIONS: ("hash", "rule", "steps"),
    Part.UNROUTED: ("event_id",),
    Part.DUPLICATES: ("event_id", "count"),
    Part.DOCKET: ("event_id", "rules"),
    Part.STATES: ("rule", "key", "value", "due_at"),
    Part.REJECTED: (
        "slot", "n", "id", "source", "status", "error", "verdict", "method", "target",
        "base_url", "client_ip", "received_at", "headers", "body",
    ),
    Part.KEPT: ("name", "value"),
    Part.STRETCHES: ("at", "span", "node", "data"),
    Part.TALLY: ("minute", "source", "events", "duplicates", "rejected", "last_at"),
}  # fmt: skip
"""The columns of the small parts' rows."""

FINAL = frozenset({RunState.DONE, RunState.DISCARDED})
"""A run in one of these states never changes again."""

Row = Any
"""An `Event`, a `Run`, or a tuple of a part's columns."""
Place = Any
"""Where a row stands in its engine's order; a JSON value that only the engine reads."""


class Page(msgspec.Struct, frozen=True):
    """Some rows of a part, in order."""

    rows: Sequence[Row]
    after: Place
    """Of the last row: what follows is read from here. None where there are no rows."""


class Movable(Protocol):
    """One store as a copy's source or target. Anything may raise StoreUnavailable."""

    @property
    def label(self) -> str:
        """The store's URL as it may be shown."""

    async def open_source(self) -> None:
        """Open a store that is there. Raises OutsideError where it is not."""

    async def open_target(self) -> None:
        """Open or make a store nobody else uses. Raises OutsideError where somebody does."""

    async def close(self) -> None:
        """Let go; what `freeze` held up goes on."""

    async def freeze(self) -> None:
        """Let nobody write until `close`. Raises OutsideError, naming who uses the store."""

    async def settled(self) -> dict[Part, Place]:
        """Return up to where the growing parts are complete: no row will come before it."""

    async def count(self, part: Part) -> int:
        """Count the rows of a part, each one."""

    async def keyed(self) -> int:
        """Count the events that a further delivery with the same key would find."""

    async def export(self, part: Part, *, after: Place, until: Place = None) -> Page:
        """Read the next page of a part, from its start where `after` is None.

        `until`, of `settled`, is the last place wanted. Leases are left out: see `freed`.
        """

    async def read(self, part: Part, ids: Sequence[str]) -> Sequence[Row]:
        """Read these events or runs in the store's own order; those that are gone are left out."""

    async def unfinished(self, *, after: Place) -> Page:
        """Read the next page of runs that are not in a final state."""

    async def adopt(self, part: Part, rows: Sequence[Row], mark: "Step") -> None:
        """Append rows in this order, with the mark, in one commit."""

    async def amend(self, runs: Sequence[Run], mark: "Step") -> None:
        """Write runs that are there already as they are now, with the mark, in one commit."""

    async def drop(self, part: Part, ids: Sequence[str], mark: "Step") -> None:
        """Remove events or runs, with the mark, in one commit."""

    async def clear(self, part: Part) -> None:
        """Remove all rows of a small part."""

    async def derive(self) -> None:
        """Bring up to date what follows from the rows: indexes, orders, sums."""

    async def kept(self, name: str) -> bytes | None:
        """Return a kept value."""

    async def keep(self, name: str, value: bytes) -> None:
        """Keep a value."""


class Step(msgspec.Struct, frozen=True):
    """A change of the mark that goes with a change of rows.

    A mark that is not `before` means that somebody else copies into the store as well: nothing is
    written then, and OutsideError is raised.
    """

    before: bytes
    after: bytes


def overtaken(label: str) -> OutsideError:
    """Say that the mark was changed by another."""
    return OutsideError(
        f"another copy into `{label}` is under way", hint="let one of them finish, or end it"
    )


def freed(run: Run) -> Run:
    """Return a run without its lease; one that was running counts as interrupted at once."""
    run.owner = ""
    run.lease_until = LEASE_OVER if run.state is RunState.RUNNING else 0
    return run


class Digest:
    """A hash over rows in any order: the sum of the rows' own hashes.

    It guards against mistakes, not against someone who chooses rows to deceive it.
    """

    SIZE = 32

    def __init__(self, rows: int = 0, value: int = 0) -> None:
        self.rows = rows
        self.value = value

    def add(self, rows: Sequence[Row]) -> None:
        """Take rows in."""
        self.rows += len(rows)
        self._shift(sum(map(hash_of, rows)))

    def remove(self, rows: Sequence[Row]) -> None:
        """Take rows out again."""
        self.rows -= len(rows)
        self._shift(-sum(map(hash_of, rows)))

    def _shift(self, by: int) -> None:
        self.value = (self.value + by) % (1 << 8 * self.SIZE)

    def __str__(self) -> str:
        return f"{self.value:0{2 * self.SIZE}x}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Digest) and (self.rows, self.value) == (other.rows, other.value)

    __hash__ = None  # type: ignore[assignment] # it changes


def hash_of(row: Row) -> int:
    """Return a row's hash as a number of `Digest.SIZE` bytes."""
    return int.from_bytes(blake2b(_encode(row), digest_size=Digest.SIZE).digest(), "big")


def size_of(row: Row) -> int:
    """Return about how many bytes a row has: what a copy's progress is told in."""
    if isinstance(row, Event):
        return len(row.request.body) + sum(
            len(name) + len(value) for name, value in row.request.headers.pairs
        )
    return 0


def _plain(value: Any) -> Any:
    if isinstance(value, Headers):
        return value.pack()
    raise TypeError(type(value).__name__)


_encode = msgspec.msgpack.Encoder(enc_hook=_plain).encode
