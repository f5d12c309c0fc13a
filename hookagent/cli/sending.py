"""Sends captures again as `replay` was told: signed, paced, in order by key, to several targets."""

import asyncio
import os
from collections.abc import Callable, Sequence
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec

from hookagent.cli import output
from hookagent.cli.clock import clock
from hookagent.cli.signing import Signers
from hookagent.errors import OutsideError, UsageError
from hookagent.event import RawRequest
from hookagent.eventfile import Captured
from hookagent.lookup import Path
from hookagent.pipeline import chaos as chaotic
from hookagent.pipeline.chaos import Chaos, Kind, Shot

if TYPE_CHECKING:
    from hookagent.actions.sender import Reply, Sender
    from hookagent.config.model import Config, Source
    from hookagent.pipeline.entrance import Entrance


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with each capture."""

    to: tuple[str, ...] = ()
    """URLs; none of them means the local listener."""
    source: str = ""
    """Signs everything, where it is given."""
    scheme: str = ""
    """Of the catalogue; with `secret`, signs what has no source."""
    secret: str = ""
    edits: tuple[Any, ...] = ()
    times: int = 1
    rate: float = 0
    """Requests a second at most; 0 for no limit."""
    as_is: bool = False
    parallel: int = 1
    """Requests under way at once."""
    key: Path | None = None
    """What is equal here is sent in order; None: each source is."""
    chaos: Chaos | None = None
    probe: str = ""
    """A URL of the application whose answer changes when it acts; asked after each request."""
    seed: int = 0
    """Where the randomness of chaos starts."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One request to send."""

    place: int
    """Which capture."""
    round: int
    """Which of `--times`."""
    shot: Shot
    to: str
    """A URL, or empty for the local listener."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """One request that was sent, and what came back."""

    letter: Letter
    captured: Captured
    url: str
    status: int
    """0 where there was no answer."""
    ms: float = 0
    body: bytes = b""
    error: str = ""
    """Why there was no answer."""
    expected: chaotic.Expected = chaotic.Expected.ACCEPT
    is_retried: bool = False
    """Whether it is sent again, as a provider would after this answer; the last try counts."""
    effect: chaotic.Effect | None = None
    """What the probe saw; None without one."""

    @property
    def is_sound(self) -> bool:
        """Whether it is what a sound application answers, and does."""
        if self.effect in chaotic.WRONG:
            return False
        if self.is_retried:
            return True
        if self.letter.shot.kind is Kind.PLAIN:
            return 0 < self.status < 400  # noqa: PLR2004 - HTTP's errors
        return chaotic.is_sound(self.expected, self.status)


def letters(count: int, plan: Plan) -> list[Letter]:
    """Return what to send for so many captures, in order."""
    made = []
    random = Random(plan.seed)  # noqa: S311 - the order of a rehearsal, no secret
    for number in range(plan.times):
        if plan.chaos is None:
            shots = [Shot(place, Kind.PLAIN) for place in range(count)]
        else:
            shots = chaotic.shots(count, plan.chaos, random)
        made += [
            Letter(place=shot.place, round=number, shot=shot, to=url)
            for shot in shots
            for url in plan.to or ("",)
        ]
    return made


class Dispatch:
    """One bulk of letters on its way."""

    def __init__(
        self, config: "Config", captures: Sequence[Captured], plan: Plan, sender: "Sender"
    ) -> None:
        self._config = config
        self._captures = captures
        self._plan = plan
        self._sender = sender
        self._firsts: dict[tuple[int, int, str], tuple[RawRequest, str]] = {}
        self._next_slot = 0.0
        self._nonces = os.urandom(8).hex()
        self._signers = Signers(
            sources=config.sources, catalog=config.catalog, asked=plan.source,
            scheme=plan.scheme, secret=plan.secret,
        )  # fmt: skip
        self._probed: bytes | None = None
        self._effects = chaotic.Effects()
        self._entrance: Entrance | None = None
        """Our own front door, where something goes there."""

    async def run(self, say: Callable[[Answered], None]) -> None:
        """Send everything and say each answer. Raises HookagentError, then nothing more is sent."""
        if self._plan.probe:
            self._probed = await self._ask_probe()
        ready = letters(len(self._captures), self._plan)
        if any(not letter.to for letter in ready):
            from hookagent.pipeline.entrance import entrance

            self._entrance = await entrance(self._config, clock())
        lanes = self._lanes(ready)
        waiting = iter(lanes)

        async def work() -> None:
            for lane in waiting:
                for letter in lane:
                    await self._deliver(letter, say)

        busy = max(1, min(self._plan.parallel, len(lanes)))
        tasks = [asyncio.ensure_future(work()) for _ in range(busy)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _lanes(self, ready: list[Letter]) -> list[list[Letter]]:
        """Part the letters by key: within a lane the order is kept."""
        if self._plan.parallel == 1:
            return [ready]
        lanes: dict[Any, list[Letter]] = {}
        for letter in ready:
            lanes.setdefault(self._key(letter), []).append(letter)
        return list(lanes.values())

    def _key(self, letter: Letter) -> Any:
        captured = self._captures[letter.place]
        if self._plan.key is None:
            return captured.source
        from hookagent import payload
        from hookagent.lookup import find

        read = payload.read(
            captured.request.body, captured.request.headers.text("content-type") or ""
        )
        found = find(self._plan.key, read.value) if isinstance(read, payload.Parsed) else []
        return msgspec.json.encode(found) if found else None

    async def _deliver(self, letter: Letter, say: Callable[[Answered], None]) -> None:
        """Send one, and again where a provider would; say each answer."""
        for tries in count(1):
            answered = await self._send(letter)
            chaos = self._plan.chaos
            again = chaos and chaotic.retry(letter.shot, answered.status, tries, chaos)
            if not again:
                say(answered)
                return
            say(msgspec.structs.replace(answered, is_retried=True))
            letter = msgspec.structs.replace(letter, shot=again)

    async def _send(self, letter: Letter) -> Answered:
        """Send one; raises OutsideError for no answer where it is the only target."""
        request, url, source = self._prepared(letter)
        await self._wait(letter)
        slow = self._plan.chaos.slow_ms if self._plan.chaos else 0
        is_slow = letter.shot.kind is Kind.SLOW
        error, reply = "", None
        try:
            reply = await self._sender.send(request, url, slowly_s=slow / 1000 if is_slow else 0)
        except OutsideError as outside:
            if self._plan.chaos is None and len(self._plan.to) < 2:  # noqa: PLR2004 - nothing to compare
                raise
            error = outside.message
        scheme = source.scheme if source and not self._plan.as_is else None
        answered = Answered(
            letter=letter,
            captured=self._captures[letter.place],
            url=url,
            status=0,
            error=error,
            expected=chaotic.expected(letter.shot.kind, scheme, request),
        )
        if self._plan.probe:
            effect = await self._effect(letter, answered.expected)
            answered = msgspec.structs.replace(answered, effect=effect)
        return answered if reply is None else _with_reply(answered, reply)

    async def _effect(self, letter: Letter, expected: chaotic.Expected) -> chaotic.Effect:
        """Ask the probe whether the application acted on the request just sent."""
        before, self._probed = self._probed, await self._ask_probe()
        return self._effects.of(letter.shot.place, expected, acted=before != self._probed)

    async def _ask_probe(self) -> bytes:
        return (await self._sender.send(RawRequest(method="GET"), self._plan.probe)).body

    async def _wait(self, letter: Letter) -> None:
        """Keep to the rate, and to the pauses of chaos."""
        if letter.shot.wait_ms:
            await asyncio.sleep(letter.shot.wait_ms / 1000)
        if not self._plan.rate:
            return
        now = asyncio.get_running_loop().time()
        slot = max(self._next_slot, now)
        self._next_slot = slot + 1 / self._plan.rate
        await asyncio.sleep(slot - now)

    # The request itself.

    def _prepared(self, letter: Letter) -> "tuple[RawRequest, str, Source | None]":
        """Return the request to send, its URL and its source."""
        captured = self._captures[letter.place]
        source = self._source(captured, letter)
        kind = letter.shot.kind
        first = (letter.place, letter.round, letter.to)
        if kind is Kind.DUPLICATE and first in self._firsts:
            return *self._firsts[first], source
        stale = self._plan.chaos.stale_ms if self._plan.chaos and kind is Kind.STALE else 0
        request = self._signed(captured, source, letter, clock() - stale)
        if self._entrance is None or letter.to:
            url = _with_target(letter.to, request)
        else:
            url = self._entrance.url + request.target
            request = self._marked(captured, request, letter, self._entrance.key)
        if self._plan.chaos and self._plan.chaos.dup > 1 and kind is Kind.PLAIN:
            self._firsts[first] = request, url
        return chaotic.damaged(request, kind), url, source

    def _source(self, captured: Captured, letter: Letter) -> "Source | None":
        """Return whose delivery it is; None where nobody knows and nobody needs to.

        It need not be known where it goes elsewhere, and where it was passed on by `forward`.
        """
        is_stored = captured.id.startswith("evt_")
        return self._signers.find(captured, is_free=bool(letter.to) or is_stored)

    def _signed(
        self, captured: Captured, source: "Source | None", letter: Letter, now: int
    ) -> RawRequest:
        from hookagent.pipeline.replay import at_source, edited, resigned

        request = edited(captured.request, self._plan.edits)
        request = msgspec.structs.replace(request, received_at=clock())
        if source is None:
            if letter.shot.kind is Kind.STALE:
                raise UsageError(
                    "a stale request must be signed, and no source is known",
                    hint="add --source NAME, or --scheme NAME --secret S",
                )
            if not self._plan.as_is:
                self._signers.warn(captured, is_edited=bool(self._plan.edits))
            return request
        if not letter.to and self._entrance is not None and not self._entrance.passes_on:
            request = at_source(request, source)
        return request if self._plan.as_is else resigned(request, source, now=now)

    def _marked(
        self, captured: Captured, request: RawRequest, letter: Letter, key: bytes
    ) -> RawRequest:
        """Tell our own listener that this is a replay, and of what."""
        from hookagent.pipeline.origin import mark_replay

        nonce = f"{self._nonces}{letter.place:x}.{letter.round:x}"
        if letter.shot.kind not in {Kind.PLAIN, Kind.DUPLICATE, Kind.RETRY}:
            nonce += f".{letter.shot.kind}"
        parent = captured.id if captured.id.startswith("evt_") else ""
        return mark_replay(request, parent=parent, nonce=nonce, key=key)


def _with_reply(answered: Answered, reply: "Reply") -> Answered:
    return msgspec.structs.replace(answered, status=reply.status, ms=reply.ms, body=reply.body)


def _with_target(url: str, request: RawRequest) -> str:
    """Keep the query the provider sent where the URL has none."""
    return url if "?" in url or not request.query else f"{url}?{request.query}"


async def send_all(
    config: "Config", captures: Sequence[Captured], plan: Plan, say: Callable[[Answered], None]
) -> None:
    """Send everything, saying each answer. Raises HookagentError."""
    from hookagent.actions.sender import Sender

    total = len(letters(len(captures), plan))
    async with Sender(connections=max(plan.parallel, 1)) as sender:
        with output.Progress("sent", total) as progress:

            def tell(answered: Answered) -> None:
                progress.clear()
                say(answered)
                progress.step()

            await Dispatch(config, captures, plan, sender).run(tell)
