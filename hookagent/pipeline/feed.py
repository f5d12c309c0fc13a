"""What just happened, told to whoever listens: the terminal, the inspector, `wait`.

Publishing never blocks and costs nothing without listeners. A listener that cannot keep up loses
the oldest things and is told how many; the store has everything anyway.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from hookagent.pipeline.statistics.collector import Collector
    from hookagent.pipeline.telemetry.tracing import Tracing

BACKLOG_MAX = 10_000
"""Things kept for one slow listener."""


class Happening(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=str.lower):
    """One thing that happened; its JSON is one line of `serve --json`."""

    at: int
    """Unix milliseconds."""


class Ready(Happening, frozen=True, kw_only=True):
    """Requests are accepted, events worked off from now on."""

    listener: str | None
    """None at a node that only works."""
    inspector: str | None = None
    public: str | None = None
    sources: dict[str, str] = {}
    """Each source's URL, public where there is a tunnel."""


class Delivered(Happening, frozen=True, kw_only=True):
    """A delivery was answered: stored, a duplicate, refused, or a handshake."""

    outcome: str
    """`accepted`, `duplicate`, `rejected`, `handshake`."""
    status: int
    source: str
    id: str = ""
    type: str = ""
    code: str = ""
    """The verdict's code, or the error's where it was refused for another reason."""
    detail: str = ""
    """For the operator: why it was refused."""
    integrity: str = ""
    origin: str = "live"
    parent: str = ""
    size: int = 0
    ms: float = 0.0
    """From the request's last byte to the answer."""
    skew: int | None = None
    """By how many milliseconds the signed time is ahead of ours; None where none is signed."""


class Matched(Happening, frozen=True, kw_only=True):
    """Rules were matched for an event; `runs` are those that begin."""

    id: str
    rules: list[str]
    runs: list[str]


class Tried(msgspec.Struct, frozen=True):
    """One try of one step."""

    action: str
    outcome: str
    ms: int


class Ran(Happening, frozen=True, kw_only=True):
    """A run came to a stop: done, waiting for its next try, or dead."""

    id: str
    """The event's."""
    run: str
    rule: str
    state: str
    ms: int
    """Since the event was received."""
    step: str = ""
    error: str = ""
    reason: str = ""
    """What it waits for where nothing was tried: its time, room, a person."""
    due_at: int = 0
    dry: list[dict[str, object]] = []
    """With `--dry-run`: what each step would have done."""
    source: str = ""
    """The event's."""
    tried: list[Tried] = []
    """Every try of the run so far, step by step."""


class Rules(Happening, frozen=True, kw_only=True):
    """The rules were loaded, or an edit of them is broken and the last good set stays."""

    loaded: int
    problems: list[str] = []
    kept: bool = False
    """Whether the set from before is still in use."""


class Tunnel(Happening, frozen=True, kw_only=True):
    """The tunnel's state changed."""

    state: str
    url: str | None = None
    code: str = ""
    """Why it is down or reconnecting, as `docs/tunnels.md` lists them; else empty."""
    detail: str = ""
    sources: dict[str, str] = {}


class Logged(Happening, frozen=True, kw_only=True):
    """A line of the `log` action, safe for a terminal."""

    line: str


class Trouble(Happening, frozen=True, kw_only=True):
    """Something outside failed; work goes on when it is mended."""

    part: str
    message: str
    hint: str = ""


class Stopping(Happening, frozen=True, kw_only=True):
    """No new work is taken; `running` runs are being finished."""

    running: int
    grace_ms: int = 0
    """So long they are waited for at most."""


class Stopped(Happening, frozen=True, kw_only=True):
    """The end; `left` runs will be taken up at the next start."""

    left: int


class Subscription:
    """One listener's queue. Iterate it; it ends when the feed is closed."""

    def __init__(self, *, every: bool = True) -> None:
        self.every = every
        self._queue: deque[Happening] = deque(maxlen=BACKLOG_MAX)
        self._news = asyncio.Event()
        self._is_closed = False
        self.lost = 0
        """How many things were dropped because the listener was slow."""

    def put(self, happening: Happening) -> None:
        """Queue one thing, dropping the oldest when full."""
        if len(self._queue) == BACKLOG_MAX:
            self.lost += 1
        self._queue.append(happening)
        self._news.set()

    def close(self) -> None:
        """End the iteration once the queue is empty."""
        self._is_closed = True
        self._news.set()

    async def batch(self) -> list[Happening]:
        """Wait for news and return all of it; empty when the feed was closed."""
        while not self._queue:
            if self._is_closed:
                return []
            self._news.clear()
            await self._news.wait()
        news = list(self._queue)
        self._queue.clear()
        return news

    async def __aiter__(self) -> AsyncIterator[Happening]:
        while news := await self.batch():
            for happening in news:
                yield happening


class Feed:
    """The one place things are told to; see the module."""

    def __init__(self) -> None:
        self.counts: Collector | None = None
        """Counts every delivery and run, whoever listens; None where nobody keeps statistics."""
        self.tracing: Tracing | None = None
        """Tells a collector of every delivery and run; None where there is none."""
        self._subscriptions: list[Subscription] = []
        self._wants_every = 0

    @property
    def has_listeners(self) -> bool:
        """Whether making a happening is worth the while."""
        return bool(self._subscriptions)

    def publish(self, happening: Happening) -> None:
        """Tell every listener."""
        for subscription in self._subscriptions:
            subscription.put(happening)

    @property
    def wants_every(self) -> bool:
        """Whether anybody wants to hear of every delivery and run that went well."""
        return self._wants_every > 0

    def subscribe(self, *, every: bool = True) -> Subscription:
        """Begin to listen.

        Without `every`, deliveries that were stored, what they matched and runs that are done may
        be left out: they are too many to be told for nobody.
        """
        subscription = Subscription(every=every)
        self._subscriptions.append(subscription)
        self._wants_every += every
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop listening."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
            self._wants_every -= subscription.every
        subscription.close()

    def close(self) -> None:
        """End every listener's iteration."""
        for subscription in self._subscriptions:
            subscription.close()
