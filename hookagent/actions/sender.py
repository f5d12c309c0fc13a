"""Sends a request exactly as it is: for `replay`, `sign --send` and the inspector.

No header is added, none is changed, nothing is followed or decoded; the target is what a person
typed or configured. Raises OutsideError when nothing answers.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from hookagent.errors import OutsideError, reason_of
from hookagent.event import RawRequest

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_S = 30.0
ANSWER_BYTES_MAX = 1024 * 1024
PIECES = 10
"""In how many pieces a slow body goes out."""
NOT_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
"""Headers aiohttp would make up."""
FRAMING = ("host", "content-length", "transfer-encoding", "connection")
"""Headers that belong to one connection; they are made anew."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What the target said."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    ms: float


class Sender:
    """Keeps connections open while several requests are sent."""

    def __init__(self, *, connections: int = 32) -> None:
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        import aiohttp

        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=self._connections),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            skip_auto_headers=NOT_ADDED,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def send(self, request: RawRequest, url: str, *, slowly_s: float = 0) -> Reply:
        """Send one request to a URL; with `slowly_s` its body takes so many seconds to go out.

        Raises OutsideError when there is no answer.
        """
        import aiohttp
        from yarl import URL

        assert self._session is not None
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            async with self._session.request(
                request.method,
                URL(url, encoded=True),
                data=_slowly(request.body, slowly_s) if slowly_s else request.body,
                headers=_fields(request, is_streamed=bool(slowly_s)),
                allow_redirects=False,
            ) as response:
                body = await _read(response.content)
                return Reply(
                    status=response.status,
                    headers=tuple(response.headers.items()),
                    body=body,
                    ms=(clock() - started) * 1000,
                )
        except TimeoutError:
            raise OutsideError(f"no answer from {url} within {TIMEOUT_S:g} s") from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise OutsideError(
                f"{url} cannot be reached: {reason_of(error)}",
                hint="is the target running? `hookagent serve` starts the listener",
            ) from None


def _fields(request: RawRequest, *, is_streamed: bool) -> list[tuple[str, str]]:
    fields = list(_sendable(request.headers.items()))
    if is_streamed:
        fields.append(("Content-Length", str(len(request.body))))
    return fields


async def _slowly(body: bytes, seconds: float) -> AsyncIterator[bytes]:
    """Yield a body in equal pieces with a pause before each."""
    size = max(-(-len(body) // PIECES), 1)
    for start in range(0, len(body), size):
        await asyncio.sleep(seconds / PIECES)
        yield body[start : start + size]


async def _read(content: "aiohttp.StreamReader") -> bytes:
    """Read an answer to its end, or up to the bound."""
    parts: list[bytes] = []
    size = 0
    while size < ANSWER_BYTES_MAX and (part := await content.readany()):
        parts.append(part)
        size += len(part)
    return b"".join(parts)[:ANSWER_BYTES_MAX]


def _sendable(fields: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    return ((name, value) for name, value in fields if name.lower() not in FRAMING)
