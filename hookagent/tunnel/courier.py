"""Takes what a relay handed over to the listener, and brings back the answer.

The relay has already told the sender that all is well, so nobody will send it again: where the
listener is busy or away, the courier waits and tries again.
"""

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from hookagent.tunnel.relayed import EXACT, REBUILT, RELAY_HEADER, Relayed, passed_on

if TYPE_CHECKING:
    import aiohttp

DELIVERY_SECONDS = 30.0
"""As Svix's own client waits."""
PAUSES_SECONDS = (0.25, 1.0, 4.0)
"""Between attempts."""
TRY_AGAIN = frozenset({429, 503})
ANSWER_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the listener said."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


UNREACHED = Answer(status=502)
"""The listener could not be reached."""


class Courier:
    """Carries requests to one path of the listener. An asynchronous context manager."""

    def __init__(self, relay: str, local_url: str, path: str) -> None:
        self._relay = relay
        self._url = local_url.rstrip("/") + "/" + path.lstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        import aiohttp

        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=DELIVERY_SECONDS),
            skip_auto_headers=("User-Agent", "Content-Type", "Accept", "Accept-Encoding"),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def deliver(self, request: Relayed) -> Answer:
        """Send one request until the listener takes it or refuses it; at most four times."""
        answer = await self._send(request)
        for pause in PAUSES_SECONDS:
            if answer is not UNREACHED and answer.status not in TRY_AGAIN:
                break
            await asyncio.sleep(pause)
            answer = await self._send(request)
        return answer

    async def _send(self, request: Relayed) -> Answer:
        import aiohttp
        from yarl import URL

        assert self._session is not None
        url = f"{self._url}?{request.query}" if request.query else self._url
        mark = f"{self._relay}; bytes={EXACT if request.is_exact else REBUILT}"
        try:
            async with self._session.request(
                request.method,
                URL(url, encoded=True),
                headers=[*request.headers, (RELAY_HEADER, mark)],
                data=request.body,
                allow_redirects=False,
            ) as answer:
                body = await answer.content.read(ANSWER_BYTES_MAX)
                headers = passed_on(answer.headers.items())
                return Answer(status=answer.status, headers=headers, body=body)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return UNREACHED
