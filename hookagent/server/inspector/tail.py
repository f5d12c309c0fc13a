"""The end of the store, followed once for all live streams.

The feed says that something came; what came is read from the store, so that a stream carries the
same rows as a list, with the sequence numbers by which a browser resumes. A reader that does not
keep up gets `reset` instead of everything it missed, and reads the list anew.

On a shared store other nodes take part: what they do comes without a word of our feed. There the
store is looked at every second, and sooner where it says that somebody wrote.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, TypeGuard

import msgspec
from aiohttp import web

from hookagent.pipeline.documents import event_row
from hookagent.pipeline.feed import Delivered, Feed, Happening, Logged, Matched, Ran
from hookagent.store.base import EventFilter, EventSummary, Store, StoreUnavailable
from hookagent.store.sharing import News

PAGE = 500
"""Events read at once."""
QUEUE_MAX = 2_000
"""Messages kept for one slow reader."""
PAUSE_S = 0.1
"""How often the store is looked at while much is coming."""
LOOK_S = 1.0
"""How often a shared store is looked at without being told."""
LOOKS_PER_CHANGE = 5
"""After so many looks whatever is shown is read again: a change of a run may not have been told."""
CHANGED_MAX = 500
"""Ids named in one message of changes; beyond that it says that there were many."""
TURNED_AWAY_MAX = 100
"""Deliveries remembered of which nothing was kept."""


class Message(msgspec.Struct, frozen=True):
    """One server-sent event."""

    event: str
    data: bytes
    """JSON, one line."""
    seq: int = 0
    """For rows: the event's sequence number, where a stream resumes."""

    def wire(self) -> bytes:
        """Write it as the stream's format (html.spec.whatwg.org, "Server-sent events")."""
        mark = b"id: %d\n" % self.seq if self.seq else b""
        return b"%bevent: %b\ndata: %b\n\n" % (mark, self.event.encode(), self.data)


RESET = Message("reset", b"{}")


class Reader:
    """One stream's queue, bounded."""

    def __init__(self) -> None:
        self._queue: deque[Message] = deque()
        self._news = asyncio.Event()
        self.is_closed = False

    def put(self, message: Message) -> None:
        """Queue a message; a full queue is thrown away for one `reset`."""
        if len(self._queue) >= QUEUE_MAX:
            self._queue.clear()
            message = RESET
        self._queue.append(message)
        self._news.set()

    def close(self) -> None:
        """End it."""
        self.is_closed = True
        self._news.set()

    async def batch(self, timeout_s: float) -> list[Message]:
        """Wait for messages and return all of them; none when nothing came in time."""
        if not self._queue and not self.is_closed:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), timeout_s)
            except TimeoutError:
                return []
        news = list(self._queue)
        self._queue.clear()
        return news


class Tail:
    """Follows the store for every stream."""

    def __init__(self, store: Store, feed: Feed) -> None:
        self._store = store
        self._feed = feed
        self._readers: set[Reader] = set()
        self._seq = 0
        self._looks = 0
        self._elsewhere: set[News] = set()
        """What other nodes wrote since the last look."""
        self._heard = asyncio.Event()
        self.turned_away: deque[Delivered] = deque(maxlen=TURNED_AWAY_MAX)
        """The latest deliveries that were refused before anything of them was kept: a wrong path,
        a wrong method, too large. Of whoever looks for a lost webhook, the first suspects."""

    @property
    def readers(self) -> int:
        """How many streams there are."""
        return len(self._readers)

    def join(self) -> Reader:
        """Begin to read."""
        reader = Reader()
        self._readers.add(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        """Stop reading."""
        self._readers.discard(reader)

    def close(self) -> None:
        """End every stream."""
        for reader in self._readers:
            reader.close()

    async def newest(self) -> int:
        """Return the sequence number of the latest event, 0 where there is none."""
        found = await self._store.events(EventFilter(limit=1))
        return found[0].seq if found else 0

    async def run(self) -> None:
        """Follow until cancelled."""
        if self._store.is_shared:
            self._store.listen(self._hear)
        subscription = self._feed.subscribe()
        batch = asyncio.ensure_future(subscription.batch())
        try:
            self._seq = await self._start()
            while await self._waited(batch):
                if batch.done():
                    await self._tell(batch.result())
                    batch = asyncio.ensure_future(subscription.batch())
                if self._store.is_shared:
                    await self._look()
                await asyncio.sleep(PAUSE_S)
        finally:
            batch.cancel()
            self._feed.unsubscribe(subscription)

    def _hear(self, news: News) -> None:
        """Take a hint that another node wrote."""
        self._elsewhere.add(news)
        self._heard.set()

    async def _waited(self, batch: "asyncio.Future[list[Happening]]") -> bool:
        """Wait for news, or for the next look at a shared store; False when the feed has ended."""
        if not self._store.is_shared:
            await asyncio.wait({batch})
        else:
            heard = asyncio.ensure_future(self._heard.wait())
            either: set[asyncio.Future[Any]] = {batch, heard}
            await asyncio.wait(either, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
            heard.cancel()
            self._heard.clear()
        return not batch.done() or bool(batch.result())

    async def _look(self) -> None:
        """Tell what other nodes did."""
        elsewhere, self._elsewhere = self._elsewhere, set()
        await self._tell_rows()
        self._looks += 1
        if self._readers and (News.RUNS in elsewhere or self._looks >= LOOKS_PER_CHANGE):
            self._looks = 0
            self._say(Message("changed", msgspec.json.encode({"ids": [], "many": True})))

    async def _start(self) -> int:
        try:
            return await self.newest()
        except StoreUnavailable:
            return 0

    async def _tell(self, news: Sequence[Happening]) -> None:
        self.turned_away.extend(one for one in news if _is_turned_away(one))
        if any(isinstance(one, Delivered) and one.outcome == "accepted" for one in news):
            await self._tell_rows()
        if not self._readers:
            return
        for message in messages(news):
            self._say(message)

    async def _tell_rows(self) -> None:
        """Read what is new in the store; one that cannot answer now is asked again later."""
        try:
            if not self._readers:
                self._seq = await self.newest()
                return
            while found := await self.after(self._seq):
                self._seq = found[-1].seq
                for message in rows(found):
                    self._say(message)
                if len(found) < PAGE:
                    return
        except StoreUnavailable:
            return

    async def after(self, seq: int) -> list[EventSummary]:
        """Return the events that follow one, oldest first, a page of them."""
        if seq:
            return await self._store.events(EventFilter(after=seq, limit=PAGE))
        found = await self._store.events(EventFilter(limit=PAGE))
        return found[::-1]

    def _say(self, message: Message) -> None:
        for reader in self._readers:
            reader.put(message)


def _is_turned_away(one: Happening) -> TypeGuard[Delivered]:
    return isinstance(one, Delivered) and one.outcome == "rejected" and not one.id


def rows(found: Sequence[EventSummary]) -> list[Message]:
    """Return the messages that carry list rows."""
    return [Message("row", msgspec.json.encode(event_row(one)), one.seq) for one in found]


def messages(news: Sequence[Happening]) -> list[Message]:
    """Return what else is worth telling: changed events once each, the rest as it is."""
    changed: dict[str, None] = {}
    messages = []
    for one in news:
        match one:
            case Delivered(outcome="accepted"):
                pass
            case Delivered(outcome="duplicate", id=event_id) | Matched(id=event_id):
                changed[event_id] = None
            case Ran(id=event_id):
                changed[event_id] = None
                if one.state == "dead":
                    messages.append(Message("happening", msgspec.json.encode(one)))
            case Logged():
                pass
            case _:
                messages.append(Message("happening", msgspec.json.encode(one)))
    if changed:
        ids = list(changed)
        told = {"ids": ids[:CHANGED_MAX], "many": len(ids) > CHANGED_MAX}
        messages.append(Message("changed", msgspec.json.encode(told)))
    return messages


TAIL: web.AppKey[Tail] = web.AppKey("tail", Tail)
