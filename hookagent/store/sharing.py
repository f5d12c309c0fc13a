"""What the processes on one store share beyond events and runs: duties, nodes, the judge's docket.

An engine of one owner (`sqlite`) has all of it too, so that what is built on it runs and is tested
there; a shared engine (`postgres`) is where it is needed.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import msgspec

from hookagent.event import Event

if TYPE_CHECKING:
    from hookagent.store.base import Routed

JUDGE = "judge"
"""The duty of letting rules over time speak: only its holder may call `judge`."""
SETTLE_MS = 1_000
"""How long an event may take from its arrival to its commit and still keep its place in the order.

On a shared engine commits of several receivers come in any order, and rules over time go by when
events arrived. So the judge leaves an event on the docket for this long. One whose commit took
longer (the database was away) comes late, and is judged then.
"""


NODE_KEPT_MS = 24 * 3_600_000
"""So long the report of a node that went without a word is kept."""


class News(StrEnum):
    """What another process may have written."""

    EVENTS = "events"
    """Stored, not yet routed."""
    RUNS = "runs"
    """That may be claimed, or whose state changed."""
    DOCKET = "docket"
    """That the judge must look at."""


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """Something that one process at a time does for all."""

    name: str
    owner: str
    """The id of the node that has it."""
    until: int
    """Whoever asks after this takes it; Unix milliseconds."""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One process on the store, as it last said of itself."""

    id: str
    """What it signs leases and duties with."""
    name: str
    """Its host."""
    pid: int
    role: str
    """`all`, `receive` or `work`."""
    version: str
    """Of hookagent."""
    config: str = ""
    """A hash of what the nodes' configurations must agree in."""
    rules: str = ""
    """The version of its rule set; empty for a node that uses none."""
    listener: str = ""
    """Its listener's URL, empty where it has none."""
    started_at: int = 0
    seen_at: int = 0
    """When it last reported, Unix milliseconds."""
    running: int = 0
    """Runs under way there."""
    waiting: int = 0
    """Events and writes that wait in its memory."""
    lag_ms: int = 0
    """How old the oldest event is that nobody has routed, as it saw it."""


def nodes_of(reports: Iterable[bytes]) -> list[Node]:
    """Read reports as engines keep them, JSON; the nodes by start and id."""
    return sorted(map(_node.decode, reports), key=lambda node: (node.started_at, node.id))


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One event on the docket."""

    event: Event
    rules: Sequence[str]
    """The rules over time that whoever routed it left to the judge."""


class Docket(msgspec.Struct, frozen=True, kw_only=True):
    """What the judge is to look at next."""

    entries: Sequence[Entry]
    """In order of arrival: by `received_at`, then by id."""
    until: int
    """Everything that arrived before this is among the entries or was judged (Unix ms).

    Timers that are due by then may speak once the entries are judged.
    """


def docket_of(entries: Sequence[Entry], until: int, limit: int) -> Docket:
    """Make a docket: where more than these may wait, it reaches to the last of them."""
    is_cut = bool(entries) and len(entries) == limit
    return Docket(entries=entries, until=entries[-1].event.received_at if is_cut else until)


_node = msgspec.json.Decoder(Node)


class Sharing(Protocol):
    """The part of a store that several processes speak to each other by."""

    @property
    def is_shared(self) -> bool:
        """Whether several processes may accept and work on it at once."""

    @property
    def waiting(self) -> int:
        """How many writes of this process wait for their commit."""

    # Duties.

    async def hold(self, duty: str, owner: str, *, now: int, until: int) -> bool:
        """Take a duty, or keep it longer: False while another has it whose time is not over."""

    async def let_go(self, duty: str, owner: str) -> None:
        """Give a duty back, if it is the owner's."""

    async def duties(self) -> list[Duty]:
        """Return who has which duty, by name; those whose time is over too."""

    # Nodes.

    async def report(self, node: Node) -> None:
        """Say how a node is; its earlier report is replaced."""

    async def forget_node(self, node_id: str) -> None:
        """Drop the report of a node that ended."""

    async def release(self, silent: Sequence[Node]) -> int:
        """End the leases of nodes that have not reported since; return how many ended.

        A node whose report is a newer one by now keeps its own. What is released stays the node's
        until another claims it: one that was only slow may go on, renew and record till then.
        """

    async def nodes(self, *, since: int) -> list[Node]:
        """Return the nodes seen since then, by start and id; older reports may be dropped."""

    # Rules over time, where several processes route.

    async def docket(self, *, before: int, limit: int) -> Docket:
        """Return what was routed with `Routed.left_to_judge` and not judged since.

        Only events that arrived before `before` and before every unrouted event: no earlier one
        comes after them. `until` is the lower of these two bounds, or, where more than `limit`
        wait, the arrival of the last entry. With a limit of 0, `until` alone is asked for.
        """

    async def judge(self, owner: str, judged: "Sequence[Routed]") -> bool:
        """Record what the judge found, take its events off the docket, all in one commit.

        As `route`, but the events were routed before. False where `owner` no longer has the duty
        `JUDGE`: nothing was written, whatever the clocks say.
        """

    # Small values.

    async def swap(self, name: str, before: bytes | None, after: bytes | None) -> bool:
        """Replace a kept value if it is still `before`; None stands for no value.

        False where somebody else was quicker.
        """

    # News.

    def listen(self, heard: Callable[[News], None]) -> None:
        """Call `heard` in the event loop when another process wrote something.

        A hint, to wake up early: it may be missing, late or for nothing, so whoever listens polls
        as well.
        """
