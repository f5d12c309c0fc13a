"""A provider's HTTP interface: asked for JSON, its refusals said in words a person can act on.

Requests go through the guarded client of the actions. Nothing is followed: neither redirects nor
the address of a next page, so that a token goes to the host the person named and nowhere else.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.client import Answer, Client, Refused, Request, Unreachable
from hookagent.actions.egress import Permit
from hookagent.actions.exchange import retry_after
from hookagent.errors import NotFound, OutsideError, UsageError
from hookagent.event import Headers

TIMEOUT_MS = 30_000
PATIENCE_MS = 60_000
"""A provider that asks for more than this is not waited for."""
TRIES = 3
_AGAIN = frozenset({429, 502, 503, 504})


class Api:
    """Asks one provider's interface."""

    def __init__(
        self, base: str, headers: Mapping[str, str], outside: Outside, *, name: str
    ) -> None:
        host = (urlsplit(base).hostname or "").lower()
        if not host or urlsplit(base).scheme not in {"https", "http"}:
            raise UsageError(f"`{base}` is not the address of an interface")
        if urlsplit(base).scheme == "http" and host not in {"127.0.0.1", "localhost", "::1"}:
            raise UsageError(f"`{base}` is not https, so the token would be read on its way")
        self._base = base.rstrip("/")
        self._headers = tuple(headers.items())
        self._outside = outside
        self._permit = Permit(host)
        self._client = Client(outside)
        self.name = name

    async def close(self) -> None:
        """End its connections."""
        await self._client.close()

    async def get(self, path: str, **query: Any) -> tuple[Any, Answer]:
        """Return what a path answers, decoded. Raises OutsideError and NotFound."""
        asked = {key: str(value) for key, value in query.items() if value not in {None, ""}}
        return await self._ask("GET", path + (f"?{urlencode(asked)}" if asked else ""))

    async def pages(self, path: str, query: Mapping[str, Any], size: int) -> tuple[Any, Answer]:
        """As `get`, with `limit`; asks for less where an answer is too long to be read whole."""
        while True:
            found, answer = await self.get(path, **query, limit=size)
            if not answer.is_cut:
                return found, answer
            if size == 1:
                raise OutsideError(f"{self.name} has an event that is longer than 1 MiB")
            size = max(size // 4, 1)

    async def post(self, path: str) -> None:
        """Ask for something to be done. Raises OutsideError and NotFound."""
        await self._ask("POST", path)

    async def _ask(self, method: str, target: str) -> tuple[Any, Answer]:
        request = Request(
            method=method, url=self._base + target, headers=self._headers, permit=self._permit
        )
        answer = await self._send(request)
        for _ in range(TRIES - 1):
            wait = _wait_ms(answer, self._outside.clock())
            if wait is None or wait > PATIENCE_MS:
                break
            await asyncio.sleep(wait / 1000)
            answer = await self._send(request)
        self._judge(answer)
        return (None if answer.is_cut else _decoded(answer, self.name)), answer

    async def _send(self, request: Request) -> Answer:
        call = Call(
            idempotency_key="", run_id="", event_id="", source="catchup", timeout_ms=TIMEOUT_MS
        )
        try:
            return await self._client.send(request, call)
        except (Refused, Unreachable) as error:
            raise OutsideError(f"{self.name}: {error}") from None

    def _judge(self, answer: Answer) -> None:
        """Raise what a person should do about a refusal."""
        status = answer.status
        if status < 300:  # noqa: PLR2004 - HTTP's success
            return
        said = _said(answer)
        if status == 401:  # noqa: PLR2004 - HTTP's Unauthorized
            raise OutsideError(f"{self.name} does not know the token{said}", hint="give --token")
        if status == 403:  # noqa: PLR2004 - HTTP's Forbidden
            hint = "does the token have the right to read webhooks?"
            raise OutsideError(f"{self.name} does not allow this{said}", hint=hint)
        if status == 404:  # noqa: PLR2004 - HTTP's Not Found
            hint = "it also says so where the token may not see it"
            raise NotFound(f"{self.name} has nothing there{said}", hint=hint)
        raise OutsideError(f"{self.name} answered {status}{said}")


def _wait_ms(answer: Answer, now: int) -> int | None:
    """Return how long to wait before asking again, or None where there is no use in it."""
    if answer.status not in _AGAIN:
        return None
    wish = retry_after(answer, now)
    return 1_000 if wish is None else wish


def _decoded(answer: Answer, name: str) -> Any:
    if not answer.body.strip():
        return None
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise OutsideError(f"{name} answered something that is not JSON") from None


def _said(answer: Answer) -> str:
    """Return the sentence in an error's answer, with a colon before it."""
    try:
        value = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    for place in (("message",), ("error", "message"), ("detail",)):
        found: Any = value
        for step in place:
            found = found.get(step) if isinstance(found, dict) else None
        if isinstance(found, str):
            return f": {' '.join(found.split())[:200]}"
    return ""


def fields(pairs: Iterable[tuple[str, str]]) -> Headers:
    """Make headers of what an interface says they were; what cannot be a header is left out."""
    return Headers.of(pair for pair in pairs if not any(ord(c) < ord(" ") for c in "".join(pair)))


def part(text: str) -> str:
    """Write a name as one part of a path."""
    return quote(text, safe="")
