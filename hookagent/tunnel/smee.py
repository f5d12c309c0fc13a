"""smee.io and gosmee: a channel that is read as a stream of events, without any program.

The channel's address is what senders are given; what they send to it is handed to one path of the
listener. Both services answer the sender themselves, at once, whatever the listener says.
"""

import asyncio
import random
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from hookagent.errors import reason_of
from hookagent.tunnel.base import (
    Down,
    Kind,
    Level,
    Log,
    Readiness,
    Reconnecting,
    Starting,
    TunnelEvent,
    TunnelOptions,
    Up,
)
from hookagent.tunnel.courier import Courier
from hookagent.tunnel.relayed import read_message
from hookagent.tunnel.remembered import recall, remember
from hookagent.tunnel.sse import Message, Parser, TooLarge

if TYPE_CHECKING:
    import aiohttp

OK = 200
REFUSED_MIN, REFUSED_MAX = 400, 499
TOO_MANY = 429
STORED_MAX = 299
DELAY_SECONDS_MAX = 30.0
ASK_SECONDS = 10.0
ADDRESS_BYTES_MAX = 2048
CHANNEL = re.compile(r"https?://[^/\s]+/[A-Za-z0-9_/-]+/?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What differs between the relays that speak server-sent events."""

    name: str
    home: str
    """Where new channels are made, at `/new`."""
    agent: str
    """The `User-Agent`; gosmee's server streams only to clients that name it."""
    preserves_bytes: bool
    silence_seconds: float
    """A stream that says nothing for so long is dead."""
    stream_paths: tuple[str, ...]
    """Where a channel's stream may be, relative to the service; `{channel}` is put in."""


SMEE = Service(
    name="smee",
    home="https://smee.io",
    agent="hookagent",
    preserves_bytes=False,
    silence_seconds=75,  # smee pings every 30 s
    stream_paths=("/{channel}",),
)
GOSMEE = Service(
    name="gosmee",
    home="https://hook.pipelinesascode.com",
    agent="hookagent (gosmee client)",
    preserves_bytes=True,
    silence_seconds=900,  # not every version pings
    stream_paths=("/events/{channel}", "/{channel}"),
)


def smee(options: TunnelOptions) -> "SmeeTunnel":
    """Make a relay of smee.io."""
    return SmeeTunnel(options, SMEE)


def gosmee(options: TunnelOptions) -> "SmeeTunnel":
    """Make a relay of a gosmee server."""
    return SmeeTunnel(options, GOSMEE)


class SmeeTunnel:
    """One subscription to one channel."""

    kind = Kind.RELAY

    def __init__(self, options: TunnelOptions, service: Service) -> None:
        self.name = service.name
        self.preserves_bytes = service.preserves_bytes
        self.stable_url = bool(options.channel or options.state_folder)
        self._options = options
        self._service = service

    async def check(self) -> Readiness:
        """Look at the channel's address; nobody is asked."""
        channel = self._options.channel
        if channel and urlsplit(channel).scheme not in ("http", "https"):
            return Readiness(
                ready=False,
                code="bad-channel",
                detail="`channel` is not an address",
                hint=f'such as: channel = "{self._service.home}/Ab3dEf6h1jK"',
            )
        return Readiness(ready=True, detail=f"{self.name} through {channel or self._service.home}")

    async def start(self, local_url: str) -> AsyncGenerator[TunnelEvent, None]:
        """Read the channel for ever, and hand over what comes."""
        readiness = await self.check()
        if not readiness.ready:
            yield Down(code=readiness.code, message=readiness.detail, hint=readiness.hint)
            return
        yield Starting(detail=readiness.detail)
        if not self.preserves_bytes:
            yield REWRITES
        channel = await self._channel()
        if isinstance(channel, Down):
            yield channel
            return
        async with Courier(self.name, local_url, self._options.path) as courier:
            async for event in self._keep_listening(channel, courier):
                yield event

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """Do nothing: the connections end with the reader of `start`."""

    async def _keep_listening(
        self, channel: str, courier: Courier
    ) -> AsyncGenerator[TunnelEvent, None]:
        """Read the stream again whenever it breaks; the channel, and so the address, stays."""
        attempt = 0
        while True:
            reason = f"the stream of `{channel}` ended"
            async for event in self._listen(channel, courier):
                match event:
                    case Down(retryable=True):
                        reason = event.message
                    case Down():
                        yield event
                        return
                    case Up():
                        attempt = 0
                        yield event
                    case _:
                        yield event
            attempt += 1
            yield Reconnecting(reason=reason, attempt=attempt)
            await asyncio.sleep(pause_seconds(attempt, random.random()))  # noqa: S311 - jitter

    async def _channel(self) -> str | Down:
        """Return the channel: the configured one, else the one used before, else a new one."""
        known = self._options.channel or recall(self._options.state_folder, self.name)
        if known:
            return known.rstrip("/")
        made = await self._make_channel()
        if isinstance(made, str):
            remember(self._options.state_folder, self.name, made)
        return made

    async def _make_channel(self) -> str | Down:
        import aiohttp

        home = self._service.home
        limit = aiohttp.ClientTimeout(total=ASK_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.get(f"{home}/new", allow_redirects=False) as answer,
            ):
                said = (await answer.content.read(ADDRESS_BYTES_MAX)).decode("utf-8", "replace")
                address = urljoin(home, answer.headers.get("Location") or said.strip())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Down(
                code="no-network",
                message=f"`{home}` cannot be reached: {reason_of(error)}",
                hint="check the network, or set `channel` to a channel of another server",
                retryable=True,
            )
        if not CHANNEL.fullmatch(address) or urlsplit(address).hostname != urlsplit(home).hostname:
            return Down(
                code="provider-failed",
                message=f"`{home}/new` gave no channel",
                hint="set `channel` to one made in a browser",
                retryable=True,
            )
        return address.rstrip("/")

    async def _listen(self, channel: str, courier: Courier) -> AsyncGenerator[TunnelEvent, None]:
        """Follow the stream until it breaks; what can recover ends it with a `Down` or just so."""
        import aiohttp

        limit = aiohttp.ClientTimeout(
            total=None, sock_connect=ASK_SECONDS, sock_read=self._service.silence_seconds
        )
        headers = {"Accept": "text/event-stream", "User-Agent": self._service.agent}
        try:
            async with aiohttp.ClientSession(timeout=limit, headers=headers) as session:
                answer = await self._open(session, channel)
                if isinstance(answer, Down):
                    yield answer
                    return
                async with answer:
                    yield Up(url=channel)
                    async for log in self._pass_on(answer, courier):
                        yield log
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            lost = f"the stream of `{channel}` is lost: {reason_of(error)}"
            yield Down(code="connection-lost", message=lost, retryable=True)
        except TooLarge as error:
            yield Log(level=Level.WARNING, line=f"{self.name} sent {error}; it is lost")

    async def _open(
        self, session: "aiohttp.ClientSession", channel: str
    ) -> "aiohttp.ClientResponse | Down":
        """Open the channel's stream at the first of its places that is one."""
        parts = urlsplit(channel)
        down = Down(
            code="provider-failed", message=f"`{channel}` answers no stream", retryable=True
        )
        for path in self._service.stream_paths:
            place = path.format(channel=parts.path.lstrip("/"))
            answer = await session.get(parts._replace(path=place).geturl(), allow_redirects=False)
            if answer.status == OK and answer.content_type == "text/event-stream":
                return answer
            answer.release()
            refused = REFUSED_MIN <= answer.status <= REFUSED_MAX and answer.status != TOO_MANY
            if refused or answer.status == OK:
                down = Down(
                    code="no-channel",
                    message=f"`{channel}` is not a channel of {self.name}",
                    hint=f"make one at {self._service.home}/new and set `channel` to its address",
                )
        return down

    async def _pass_on(
        self, answer: "aiohttp.ClientResponse", courier: Courier
    ) -> AsyncGenerator[Log, None]:
        parser = Parser()
        async for piece in answer.content.iter_any():
            for message in parser.feed(piece):
                log = await self._hand_over(message, courier)
                if log is not None:
                    yield log

    async def _hand_over(self, message: Message, courier: Courier) -> Log | None:
        """Deliver one message; say so where the listener did not take it."""
        request = read_message(message.data) if message.event == "message" else None
        if request is None:
            return None
        answer = await courier.deliver(request)
        if answer.status <= STORED_MAX:
            return None
        line = f"a delivery through {self.name} was answered {answer.status}"
        return Log(level=Level.WARNING, line=line)


REWRITES = Log(
    level=Level.WARNING,
    line="smee writes bodies anew, so most signatures over them cannot be checked; "
    "`gosmee` and `svix` keep the bytes",
)


def pause_seconds(attempt: int, draw: float) -> float:
    """Return the pause before reading again, from 1: none at first, since a stream just ends."""
    if attempt <= 1:
        return 0.0
    return float(min(DELAY_SECONDS_MAX, 2.0 ** min(attempt - 2, 10)) * (0.5 + draw / 2))
