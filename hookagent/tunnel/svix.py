"""Svix Play's relay: a web socket, no account, the sender gets the listener's own answer.

One channel has one reader. A channel of our own that another reader holds is given up for a new
one; a configured one is not, since senders know it.
"""

import asyncio
import random
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from hookagent.errors import reason_of
from hookagent.tunnel import svix_wire
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
    UrlChanged,
)
from hookagent.tunnel.courier import Courier
from hookagent.tunnel.remembered import recall, remember

if TYPE_CHECKING:
    import aiohttp

RELAY = "wss://api.relay.svix.com/api/v1/listen/"
SILENCE_SECONDS = 31.5
"""The relay pings about every 20 s; after so long without a word it is gone."""
CONNECT_SECONDS = 10.0
PAUSES_SECONDS = (0.0, 0.1, 1.0, 5.0)
POLICY_VIOLATION = 1008
"""How the relay closes when the channel has another reader."""
MESSAGE_BYTES_MAX = 64 * 1024 * 1024
STORED_MAX = 299


class SvixTunnel:
    """One reader of one channel."""

    name = "svix"
    kind = Kind.RELAY
    preserves_bytes = True

    def __init__(self, options: TunnelOptions, relay: str = RELAY) -> None:
        self.stable_url = bool(options.channel or options.state_folder)
        self._options = options
        self._relay = relay
        self._url = ""
        self._close_code = 0
        self._lost = ""

    async def check(self) -> Readiness:
        """Look at the channel; nobody is asked."""
        channel = self._options.channel
        if channel and not svix_wire.find_token(channel):
            return Readiness(
                ready=False,
                code="bad-channel",
                detail="`channel` has no token of Svix Play",
                hint='such as: channel = "c_Ab3dEf6h1j"; leave it out for a new one',
            )
        return Readiness(ready=True, detail="Svix Play")

    async def start(self, local_url: str) -> AsyncGenerator[TunnelEvent, None]:
        """Read the channel for ever, and hand over what comes."""
        readiness = await self.check()
        if not readiness.ready:
            yield Down(code=readiness.code, message=readiness.detail, hint=readiness.hint)
            return
        yield Starting(detail=readiness.detail)
        token = self._known_token()
        attempt = 0
        async with Courier(self.name, local_url, self._options.path) as courier:
            while True:
                self._close_code, self._lost = 0, ""
                async for event in self._listen(token, courier):
                    attempt = 0 if isinstance(event, Up | UrlChanged) else attempt
                    yield event
                if self._close_code == POLICY_VIOLATION:
                    if self._options.channel:
                        yield IN_USE
                        return
                    token = svix_wire.new_token()
                attempt += 1
                yield Reconnecting(reason=self._lost or ENDED, attempt=attempt)
                await asyncio.sleep(pause_seconds(attempt, random.random()))  # noqa: S311 - jitter

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """Do nothing: the connection ends with the reader of `start`."""

    def _known_token(self) -> str:
        known = self._options.channel or recall(self._options.state_folder, self.name)
        return svix_wire.find_token(known) or svix_wire.new_token()

    async def _listen(self, token: str, courier: Courier) -> AsyncGenerator[TunnelEvent, None]:
        """Follow one connection, and keep the code it was closed with or why it was lost."""
        import aiohttp

        limit = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.ws_connect(self._relay, max_msg_size=MESSAGE_BYTES_MAX) as socket,
            ):
                await socket.send_str(svix_wire.start_message(token))
                async for event in self._read(socket, courier):
                    yield event
                self._close_code = socket.close_code or 0
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._lost = f"Svix Play cannot be reached: {reason_of(error)}"

    async def _read(
        self, socket: "aiohttp.ClientWebSocketResponse", courier: Courier
    ) -> AsyncGenerator[TunnelEvent, None]:
        import aiohttp

        while True:
            frame = await socket.receive(timeout=SILENCE_SECONDS)
            if frame.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                return
            match svix_wire.read(frame.data):
                case svix_wire.Started(token=token):
                    remember(self._options.state_folder, self.name, token)
                    yield self._found(svix_wire.public_url(token))
                case svix_wire.Arrived(id=event_id, request=request):
                    answer = await courier.deliver(request)
                    await socket.send_bytes(svix_wire.answer_message(event_id, answer))
                    if answer.status > STORED_MAX:
                        line = f"a delivery through Svix Play was answered {answer.status}"
                        yield Log(level=Level.WARNING, line=line)
                case None:
                    yield Log(level=Level.WARNING, line="Svix Play sent a message of another form")

    def _found(self, url: str) -> Up | UrlChanged:
        old, self._url = self._url, url
        return UrlChanged(old=old, new=url) if old and old != url else Up(url=url)


ENDED = "the connection to Svix Play ended"
IN_USE = Down(
    code="channel-in-use",
    message="another reader holds the channel at Svix Play",
    hint="end the other hookagent, or leave `channel` out for a new one",
)


def pause_seconds(attempt: int, draw: float) -> float:
    """Return the pause before an attempt, counted from 1, shortened by up to half by chance."""
    longest = PAUSES_SECONDS[min(attempt, len(PAUSES_SECONDS)) - 1]
    return longest * (0.5 + draw / 2)
