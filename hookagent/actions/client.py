"""The one HTTP client of all actions: guarded, bounded, and without surprises.

Every connection is judged where the socket is made (`egress`). No redirects, no cookies, no
proxies from the environment, no decompression; an answer is read up to 1 MiB and a whole exchange
ends within the step's time limit (SECURITY R8 to R13). aiohttp is imported on first use.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from hookagent.actions.base import HOP_HEADER, HOPS_MAX, Call, Outside, Own
from hookagent.actions.circuit import Circuit, Circuits
from hookagent.actions.egress import Permit, is_own_host, refusal
from hookagent.errors import reason_of
from hookagent.version import hookagent_version

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.connector import Connection

ANSWER_BYTES_MAX = 1024 * 1024
"""What is read of an answer; the rest is not our concern (SECURITY R13)."""
CONNECTIONS_MAX = 100
TARGETS_MAX = 1_000
"""Hosts whose certificates are remembered: a template may name any."""
_OF_A_TRACE = frozenset({"traceparent", "tracestate"})
USER_AGENT = f"hookagent/{hookagent_version()}"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request, exactly as it will be sent."""

    method: str
    url: str
    """Percent-encoded already."""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    permit: Permit = Permit()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    is_cut: bool = False
    """Whether there was more than is kept."""

    def header(self, name: str) -> str | None:
        """Return the first field of that name, any case."""
        wanted = name.lower()
        return next((value for field, value in self.headers if field.lower() == wanted), None)


class Refused(Exception):
    """The request must not be made: a local address, ourselves, or a loop."""


class Unreachable(Exception):
    """The target did not answer: no connection, no time, or the answer broke off."""


@dataclass(slots=True)
class _Passage:
    """What the guard needs to know of the request a socket is made for, and what it refused."""

    permit: Permit
    own: Own
    refusals: list[str] = field(default_factory=list)


_passage: ContextVar[_Passage] = ContextVar("_passage")


def _guarded_socket(address: Any) -> socket.socket:
    """Make the socket for a connection, or refuse; aiohttp calls this for every address."""
    family, kind, protocol, _, place = address
    passage = _passage.get()
    reason = refusal(str(place[0]), int(place[1]), passage.permit, passage.own)
    if reason is not None:
        passage.refusals.append(reason)
        raise PermissionError(errno.EACCES, reason)
    return socket.socket(family=family, type=kind, proto=protocol)


class Client:
    """Sends requests. One per running agent; see `client_of`."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self.circuits = Circuits()
        self.certificates: dict[str, int] = {}
        """When the certificate of each target ends, Unix milliseconds, as of the latest call."""
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    def _session(self, *, is_local: bool) -> "aiohttp.ClientSession":
        """Return a session; a connection to a local address is never used without its permit."""
        import aiohttp

        if is_local not in self._sessions:
            self._sessions[is_local] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=CONNECTIONS_MAX,
                    ttl_dns_cache=10,
                    socket_factory=_guarded_socket,
                ),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                response_class=_noting(self.certificates),
                trust_env=False,
                skip_auto_headers=("Content-Type", "User-Agent", "Accept", "Accept-Encoding"),
            )
        return self._sessions[is_local]

    async def close(self) -> None:
        """End all connections."""
        for session in self._sessions.values():
            await session.close()

    async def send(self, request: Request, call: Call) -> Answer:
        """Make one exchange within the call's time. Raises Refused or Unreachable."""
        import aiohttp

        if call.hop >= HOPS_MAX:
            raise Refused(f"the event went through {call.hop} hookagents: this is a loop")
        if is_own_host(urlsplit(request.url).hostname or "", self._outside.own().hosts):
            raise Refused("the URL leads to hookagent itself; use `emit` to chain rules")
        passage = _Passage(request.permit, self._outside.own())
        token = _passage.set(passage)
        try:
            return await self._exchange(request, call)
        except TimeoutError:
            raise Unreachable(f"no answer within {call.timeout_ms / 1000:g} s") from None
        except aiohttp.ClientConnectorCertificateError as error:
            why = getattr(error.certificate_error, "verify_message", "") or "it does not verify"
            raise Unreachable(f"its certificate is not trusted: {why}") from None
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, ValueError) as error:
            raise Refused(f"cannot be sent: {error}") from None
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
            if passage.refusals:
                raise Refused(passage.refusals[0]) from None
            raise Unreachable(f"cannot be reached: {reason_of(error)}") from None
        finally:
            _passage.reset(token)

    async def _exchange(self, request: Request, call: Call) -> Answer:
        import aiohttp
        from yarl import URL

        async with self._session(is_local=request.permit.is_local).request(
            request.method,
            URL(request.url, encoded=True),
            headers=_with_ours(request.headers, call),
            data=request.body or None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=call.timeout_ms / 1000),
        ) as response:
            body, is_cut = await _read(response)
            return Answer(
                status=response.status,
                headers=tuple(response.headers.items()),
                body=body,
                is_cut=is_cut,
            )


def _noting(certificates: dict[str, int]) -> "type[aiohttp.ClientResponse]":
    """Return answers that note when the certificate of whoever gave them ends."""
    import aiohttp

    class Noting(aiohttp.ClientResponse):
        async def start(self, connection: "Connection") -> aiohttp.ClientResponse:
            transport = connection.transport
            seen = transport.get_extra_info("peercert") if transport is not None else None
            host = self.url.raw_host or ""
            if seen and (host in certificates or len(certificates) < TARGETS_MAX):
                certificates[host] = ssl.cert_time_to_seconds(seen["notAfter"]) * 1000
            return await super().start(connection)

    return Noting


async def _read(response: "aiohttp.ClientResponse") -> tuple[bytes, bool]:
    """Read an answer up to the bound; beyond it the connection is dropped."""
    parts = []
    left = ANSWER_BYTES_MAX
    async for part in response.content.iter_any():
        parts.append(part[:left])
        left -= len(part)
        if left < 0:
            response.close()
            return b"".join(parts), True
    return b"".join(parts), False


def _with_ours(headers: tuple[tuple[str, str], ...], call: Call) -> list[tuple[str, str]]:
    """Add who we are and how far the event came, where the request does not say."""
    if call.traceparent:  # a forwarded request's own would leave our trace
        headers = tuple(pair for pair in headers if pair[0].lower() not in _OF_A_TRACE)
        headers += (("traceparent", call.traceparent),)
    given = {name.lower() for name, _ in headers}
    ours = [(HOP_HEADER, str(call.hop + 1)), ("User-Agent", USER_AGENT), ("Accept", "*/*")]
    return [*headers, *(pair for pair in ours if pair[0].lower() not in given)]


async def client_of(outside: Outside) -> Client:
    """Return the client all actions share."""

    async def make() -> Client:
        return Client(outside)

    return await outside.share("http", make)


def circuits(outside: Outside) -> Mapping[str, Circuit]:
    """Return every breaker that has something to say, by target, for stats and the inspector."""
    client = outside.shared("http")
    return client.circuits.states if isinstance(client, Client) else {}


def certificates(outside: Outside) -> Mapping[str, int]:
    """Return when the certificate of each target ends, by host, Unix milliseconds."""
    client = outside.shared("http")
    return client.certificates if isinstance(client, Client) else {}
