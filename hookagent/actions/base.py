"""What an action is: a module (or object) that says its options, what it will do, and does it.

    name, about      how a rule calls it, and one sentence
    Options          a msgspec Struct: the one declaration from which validation, help, docs and
                     JSON Schema come; its field types are those of `options`
    prepare          pure: options and scope to exactly what will be sent or run
    run              does it, once, and sorts the answer into Done, Again or Never

`prepare` raises TemplateError for a value that is missing or refused. `run` lets nothing escape but
cancellation, upon which it leaves nothing behind: no child, no half-open connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import msgspec

from hookagent.environment import Environment
from hookagent.event import Event
from hookagent.job import Outcome, idempotency_key
from hookagent.template import Scope

HOP_HEADER = "X-Hookagent-Hop"
"""Counts how often a request went through a hookagent; on every request we make (SECURITY R12)."""
HOPS_MAX = 3
"""Beyond this it is a loop."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One try of one step: what the target and a child process may be told about it."""

    idempotency_key: str
    """The same on every try of this step."""
    run_id: str
    rule: str = ""
    event_id: str
    source: str
    type: str = ""
    attempt: int = 1
    """From 1."""
    timeout_ms: int = 60_000
    """The step's time limit; an action ends its own work within it."""
    client_ip: str = ""
    hop: int = 0
    """How many hookagents the event went through before this one."""
    earlier: Any = None
    """The `output` of the previous try of this step, where it left one."""
    traceparent: str = ""
    """The trace this try is part of, for requests and child processes; empty where none is kept."""

    @classmethod
    def of(  # noqa: PLR0913 - each a fact only the worker knows
        cls,
        event: Event,
        *,
        run_id: str,
        rule: str,
        step: int,
        attempt: int,
        timeout_ms: int,
        earlier: Any = None,
        traceparent: str = "",
    ) -> "Call":
        """Make the call of one try for an event."""
        return cls(
            idempotency_key=idempotency_key(run_id, step),
            run_id=run_id,
            rule=rule,
            event_id=event.id,
            source=event.source,
            type=event.type,
            attempt=attempt,
            timeout_ms=timeout_ms,
            client_ip=event.request.client_ip,
            hop=hops(event),
            earlier=earlier,
            traceparent=traceparent,
        )


def hops(event: Event) -> int:
    """Return how many hookagents an event went through; an unreadable count is the limit."""
    text = event.request.headers.text(HOP_HEADER)
    if text is None:
        return 0
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else HOPS_MAX  # noqa: PLR2004 - two digits are more hops than we allow


class Emission(msgspec.Struct, frozen=True, kw_only=True):
    """A new internal event, as the `emit` action asks for it."""

    source: str
    type: str
    payload: Any
    parent: str
    """The id of the event whose rule emits it."""
    key: str
    """The step's idempotency key: a repeated try emits nothing new."""
    hop: int
    """One more than the parent's; goes into the new event's hop header."""
    traceparent: str = ""
    """The trace of the try that emits it; empty where none is kept."""


Emit = Callable[[Emission], Awaitable[str]]
"""Stores an internal event and returns its id."""


class Memory(Protocol):
    """Small named values that every process on the same store sees: the store itself."""

    async def keep(self, name: str, value: bytes | None) -> None:
        """Keep a value; None forgets it."""

    async def kept(self, name: str) -> bytes | None:
        """Return a kept value, or None."""

    async def swap(self, name: str, before: bytes | None, after: bytes | None) -> bool:
        """Replace a value if it is still `before`; None stands for no value."""


class Closable(Protocol):
    """Something shared that must be let go of."""

    async def close(self) -> None:
        """Let go."""


T = TypeVar("T", bound=Closable)


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """What is ours and must not be called by our own actions (SECURITY R12)."""

    ports: frozenset[int] = frozenset()
    """The listener's and the inspector's, on any local address."""
    hosts: frozenset[str] = frozenset()
    """Public host names that lead to the listener, in small letters."""


class Action(Protocol):
    """One way to act. A module with these names is an action.

    Three more may be there: `starts(options)`, which names the command it starts; `is_instant`,
    true where it never waits and needs no time limit; and `turn(outside)`, a block (`async with`)
    within which `run` is called, where only a few may run at the same time: waiting to enter it
    uses up none of the step's time, and a run that waits there has not begun.
    """

    @property
    def about(self) -> str:
        """One sentence for help and docs."""

    @property
    def Options(self) -> type[msgspec.Struct]:  # noqa: N802 - it is a class
        """The declaration of its options."""

    @property
    def prepare(self) -> Callable[[Any, Scope], Any]:
        """Say exactly what will be done: a msgspec Struct. Raises TemplateError."""

    @property
    def run(self) -> Callable[[Any, Call, "Outside"], Awaitable[Outcome]]:
        """Do what `prepare` said, once."""


class Outside:
    """What actions share while the agent runs: folders, clock, connections. Closed at the end."""

    def __init__(  # noqa: PLR0913 - the whole outside, said once, by the runtime
        self,
        *,
        folder: Path,
        state: Path,
        environment: Environment,
        clock: Callable[[], int],
        own: Callable[[], Own] = Own,
        emit: Emit | None = None,
        say: Callable[[str], None] | None = None,
        allows: Callable[[str], bool] | None = None,
    ) -> None:
        self.folder = folder
        """The project: where `hookagent.toml` is; relative paths start here."""
        self.state = state
        """The state folder, mode 0700; actions may keep files below it."""
        self.environment = environment
        self.clock = clock
        """Unix milliseconds."""
        self.own = own
        """Asked at each connection: the tunnel's host may change."""
        self.emit = emit
        """None where no agent runs that could take a new event."""
        self.say = say or _unsaid
        """Where the `log` action writes its line: safe for a terminal already."""
        self.allows = allows or _allowed
        """Whether the user allowed a command that a step would start."""
        self.memory: Memory | None = None
        """What people decided and models spent; None where there is no store."""
        self._shared: dict[Hashable, asyncio.Future[Any]] = {}

    async def share(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """Return the one resource of that key, made on first use; a failed making is forgotten."""
        made = self._shared.get(key)
        if made is None:
            made = self._shared[key] = asyncio.ensure_future(make())
        try:
            return cast("T", await asyncio.shield(made))
        except BaseException:
            if made.done() and self._shared.get(key) is made:
                del self._shared[key]
            raise

    def shared(self, key: Hashable) -> Any:
        """Return the resource of that key where it is there already, else None."""
        made = self._shared.get(key)
        is_there = made is not None and made.done() and not made.cancelled()
        return made.result() if made and is_there and made.exception() is None else None

    async def forget(self, key: Hashable) -> None:
        """Close the resource of that key, so that the next use makes a new one."""
        made = self._shared.pop(key, None)
        if made is not None:
            await _close(made)

    async def close(self) -> None:
        """Let go of everything shared."""
        shared, self._shared = list(self._shared.values()), {}
        for made in shared:
            await _close(made)


async def _close(made: "asyncio.Future[Any]") -> None:
    """Close one resource; one still being made is cancelled."""
    if not made.done():
        made.cancel()
    try:
        resource = await made
        await resource.close()
    except (asyncio.CancelledError, OSError, RuntimeError):
        return  # it is gone already, which is what we want


def _allowed(_command: str) -> bool:
    """Stand in for the user's word where nothing comes from a project: a test, a dry run."""
    return True


def _unsaid(_line: str) -> None:
    """Stand in for a place to log to: the line is kept as the step's output in any case."""
