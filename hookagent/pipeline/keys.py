"""Public keys that providers publish: fetched by one guarded client, kept for a while, bounded.

Verification asks for a key and never waits: it gets what is at hand, or None while a fetch runs in
the background; the delivery is then answered 503 and the provider sends it again. Only https and
only hosts that a configured scheme pins are asked (`providers.pinning`), through the actions'
client, which refuses local addresses and follows no redirect (SECURITY S11, R8 to R13).
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import asynccontextmanager

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.client import Client, Refused, Request, Unreachable, client_of
from hookagent.actions.egress import Permit
from hookagent.config.model import Source
from hookagent.providers.keyaddress import addresses, hosts
from hookagent.providers.keyring import DOCUMENT_BYTES_MAX
from hookagent.providers.pinning import is_pinned

CACHED_MAX = 64
"""Documents kept; the one that was asked for longest ago goes first."""
UNDER_WAY_MAX = 8
"""Fetches at once: a stranger may name addresses, if only on the provider's own hosts."""
STARTED_MAX, MINUTE_MS = 60, 60_000
"""Fetches a minute: a stranger may also make up key ids."""
FRESH_MS = 6 * 3_600_000
"""How old a document gets before it is fetched anew, where its answer does not say."""
FRESH_LEAST_MS, FRESH_MOST_MS = 5 * 60_000, 24 * 3_600_000
KEPT_MS = 48 * 3_600_000
"""How old a document may get when it cannot be fetched anew: then it is no longer used."""
RENEWED_MS = 60_000
"""How soon a document may be fetched anew because a key was not in it (a provider changed keys)."""
PAUSE_LEAST_MS, PAUSE_MOST_MS = 5_000, 10 * 60_000
"""The pause after a failed fetch; it doubles with every further one."""
TIMEOUT_MS = 10_000

_OK = 200
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=([0-9]{1,9})(?:$|[\s,])")


class Fetched(msgspec.Struct, frozen=True):
    """A document as its address gave it."""

    document: bytes
    fresh_ms: int = FRESH_MS


class NoKey(Exception):
    """An address gave no document; the message says why."""


Place = tuple[str, bytes]
"""An address, and the JSON that is posted to it; nothing posted is a GET."""
Fetch = Callable[[str, bytes], Awaitable[Fetched]]
"""Gets the document at a place. Raises NoKey."""


class _Kept(msgspec.Struct):
    document: bytes
    fetched_at: int
    renew_at: int


class _Failed(msgspec.Struct):
    pause_ms: int
    until: int


class PublishedKeys:
    """The documents at hand; a `KeySource` for every verifier of the agent."""

    def __init__(
        self,
        fetch: Fetch,
        hosts: Collection[str],
        *,
        clock: Callable[[], int],
        say: Callable[[str], None],
    ) -> None:
        self._fetch = fetch
        self._hosts = tuple(hosts)
        self._clock = clock
        self._say = say
        self._kept: dict[Place, _Kept] = {}
        self._failed: dict[Place, _Failed] = {}
        self._under_way: dict[Place, asyncio.Task[None]] = {}
        self._started: deque[int] = deque()

    def get(self, url: str, kind: str, post: bytes = b"") -> bytes | None:  # noqa: ARG002 - the protocol's parameter; every kind is fetched alike
        """Return the document of a pinned address if it is at hand, else None and fetch it."""
        now = self._clock()
        place = (url, post)
        kept = self._kept.pop(place, None)
        if kept is None or now - kept.fetched_at >= KEPT_MS:
            self._begin(place, now)
            return None
        self._kept[place] = kept  # the last one asked for stands last
        if now >= kept.renew_at:
            self._begin(place, now)
        return kept.document

    def renew(self, url: str, kind: str, post: bytes = b"") -> bool:  # noqa: ARG002 - as in `get`
        """Fetch a document anew in which a key was missing; False where that was done lately."""
        now = self._clock()
        kept = self._kept.get((url, post))
        if kept is not None and now - kept.fetched_at < RENEWED_MS:
            return False
        return self._begin((url, post), now)

    def warm(self, addresses: Iterable[str]) -> None:
        """Fetch what is sure to be asked for, before the first delivery comes."""
        now = self._clock()
        for url in addresses:
            if (url, b"") not in self._kept:
                self._begin((url, b""), now)

    def documents(self) -> dict[str, bytes]:
        """Return what is at hand by its address."""
        return {url: kept.document for (url, _), kept in self._kept.items()}

    async def settled(self) -> None:
        """Wait until no fetch is under way."""
        while self._under_way:
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def close(self) -> None:
        """End every fetch."""
        for task in self._under_way.values():
            task.cancel()
        await self.settled()

    def _begin(self, place: Place, now: int) -> bool:
        """Start a fetch; returns whether one is under way."""
        if place in self._under_way:
            return True
        failed = self._failed.get(place)
        is_pausing = failed is not None and now < failed.until
        if is_pausing or self._is_busy(now) or not is_pinned(place[0], self._hosts):
            return False
        self._started.append(now)
        task = asyncio.get_running_loop().create_task(self._keep(place), name="key")
        self._under_way[place] = task
        task.add_done_callback(lambda _: self._under_way.pop(place, None))
        return True

    def _is_busy(self, now: int) -> bool:
        """Whether no more may be fetched for now."""
        while self._started and now - self._started[0] >= MINUTE_MS:
            self._started.popleft()
        return len(self._under_way) >= UNDER_WAY_MAX or len(self._started) >= STARTED_MAX

    async def _keep(self, place: Place) -> None:
        try:
            found = await self._fetch(*place)
        except NoKey as error:
            self._note_failure(place, str(error))
            return
        now = self._clock()
        self._failed.pop(place, None)
        self._kept.pop(place, None)
        if len(self._kept) >= CACHED_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[place] = _Kept(found.document, now, now + found.fresh_ms)

    def _note_failure(self, place: Place, reason: str) -> None:
        """Remember not to ask again at once, and tell the operator."""
        before = self._failed.pop(place, None)
        pause = PAUSE_LEAST_MS if before is None else min(before.pause_ms * 2, PAUSE_MOST_MS)
        if len(self._failed) >= CACHED_MAX:
            del self._failed[next(iter(self._failed))]
        self._failed[place] = _Failed(pause, self._clock() + pause)
        self._say(f"the public key at {place[0]} could not be fetched: {reason}")


Placed = tuple[str, Permit]


def _as_named(url: str) -> Placed:
    return url, Permit()


def guarded_fetch(outside: Outside, place: Callable[[str], Placed] = _as_named) -> Fetch:
    """Return a fetch through the actions' client.

    `place` says which URL stands for an address and where it may lead; a test names its own server.
    """

    async def fetch(address: str, post: bytes) -> Fetched:
        url, permit = place(address)
        client: Client = await client_of(outside)
        request = Request(method="GET", url=url, permit=permit)
        if post:
            json = (("Content-Type", "application/json"),)
            request = Request(method="POST", url=url, headers=json, body=post, permit=permit)
        call = Call(idempotency_key="", run_id="", event_id="", source="", timeout_ms=TIMEOUT_MS)
        try:
            answer = await client.send(request, call)
        except (Refused, Unreachable) as error:
            raise NoKey(str(error)) from None
        if answer.status != _OK:
            raise NoKey(f"it answered {answer.status}")
        if answer.is_cut or not 0 < len(answer.body) <= DOCUMENT_BYTES_MAX:
            raise NoKey("it gave no document of a key's size")
        return Fetched(answer.body, fresh_ms(answer.header("Cache-Control")))

    return fetch


@asynccontextmanager
async def published_keys(
    sources: Collection[Source], outside: Outside
) -> AsyncIterator[PublishedKeys]:
    """Keep the keys of these sources; those that are known beforehand are fetched at once.

    A source whose key is configured asks for none, so that it works offline.
    """
    keys = PublishedKeys(
        guarded_fetch(outside),
        [host for source in sources for host in hosts(source.scheme)],
        clock=outside.clock,
        say=outside.say,
    )
    asking = [source for source in sources if not source.secrets]
    keys.warm(url for source in asking for url, _ in addresses(source.scheme, source.settings))
    try:
        yield keys
    finally:
        await keys.close()


def fresh_ms(cache_control: str | None) -> int:
    """Return how long a document stays fresh by its `Cache-Control`, within our own bounds."""
    found = _MAX_AGE.search((cache_control or "").lower())
    if found is None:
        return FRESH_MS
    return min(max(int(found.group(1)) * 1000, FRESH_LEAST_MS), FRESH_MOST_MS)
