"""One HTTP exchange of an action: through the breaker, sent, and its answer sorted.

2xx (or an expected status)      Done
408, 425, 429, 5xx, no answer    Again, after `Retry-After` where it is given
3xx, any other 4xx, refused      Never
"""

from collections.abc import Callable, Collection
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.client import Answer, Refused, Request, Unreachable, client_of
from hookagent.job import Again, Done, Later, Never, Outcome

PASSING = frozenset({408, 425, 429})
"""Client errors that may pass: timeout, too early, too many requests."""

Sort = Callable[[Answer, int], Outcome]
"""Makes an outcome of an answer; the second argument is now, in Unix milliseconds."""


async def exchange(
    request: Request,
    call: Call,
    outside: Outside,
    sort: Sort | None = None,
) -> Outcome:
    """Send a request and sort what comes of it."""
    client = await client_of(outside)
    target = target_of(request.url)
    wait = await client.circuits.agree(target, outside.clock())
    if wait:
        reason = f"{target} failed too often and is left alone for {wait / 1000:g} s"
        return Later(after_ms=wait, reason=reason, output=call.earlier)
    try:
        answer = await client.send(request, call)
    except Refused as error:
        client.circuits.succeeded(target, outside.clock())  # it was us who said no
        return Never(error=f"{request.method} {target}: {error}")
    except Unreachable as error:
        client.circuits.failed(target, outside.clock())
        return Again(error=f"{request.method} {target}: {error}")
    if answer.status >= SERVER_ERROR:
        client.circuits.failed(target, outside.clock())
    else:
        client.circuits.succeeded(target, outside.clock())
    return (sort or sort_answer)(answer, outside.clock())


SERVER_ERROR = 500
REDIRECT = 300
CLIENT_ERROR = 400


def target_of(url: str) -> str:
    """Return scheme, host and port: what one breaker stands for. No path, it may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def sort_answer(answer: Answer, now: int, expect: Collection[int] = ()) -> Outcome:
    """Sort an answer by its status; with `expect`, only those statuses are success."""
    status = answer.status
    output = output_of(answer)
    if status in expect or (not expect and status < REDIRECT):
        return Done(output)
    if status in PASSING or status >= SERVER_ERROR:
        return Again(error=said(answer), retry_after_ms=retry_after(answer, now), output=output)
    if REDIRECT <= status < CLIENT_ERROR:
        location = answer.header("Location") or "elsewhere"
        error = f"{said(answer)}: redirects are not followed; write the final address ({location})"
        return Never(error=error, output=output)
    return Never(error=said(answer), output=output)


SAID_LENGTH_MAX = 200
"""How much of an answer goes into an error's sentence."""


def said(answer: Answer) -> str:
    """Name a status with the beginning of what the target said."""
    text = " ".join(answer.body[:1000].decode("utf-8", "replace").split())[:SAID_LENGTH_MAX]
    return f"answered {answer.status}: {text}" if text else f"answered {answer.status}"


def retry_after(answer: Answer, now: int) -> int | None:
    """Return how long the target asks us to stay away, in milliseconds (RFC 9110, 10.2.3)."""
    text = (answer.header("Retry-After") or "").strip()
    if text.isascii() and text.isdigit():
        return int(text[:9]) * 1000
    try:
        return max(0, round(parsedate_to_datetime(text).timestamp() * 1000) - now)
    except (ValueError, TypeError, OverflowError):
        return None


def output_of(answer: Answer) -> dict[str, Any]:
    """Return what later steps may use: status, headers in small letters, `json` or `text`."""
    headers = {name.lower(): value for name, value in reversed(answer.headers)}
    output: dict[str, Any] = {"status": answer.status, "headers": headers}
    if answer.is_cut:
        output["is_cut"] = True
    if not answer.body:
        return output
    if not answer.is_cut and "json" in (answer.header("Content-Type") or ""):
        try:
            return {**output, "json": msgspec.json.decode(answer.body)}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # it is not what it says it is; kept as text below
    return {**output, "text": answer.body.decode("utf-8", "replace")}


def with_key(request: Request, call: Call) -> Request:
    """Add the `Idempotency-Key` where the request changes something and names none itself."""
    named = any(name.lower() == "idempotency-key" for name, _ in request.headers)
    if named or request.method in {"GET", "HEAD"}:
        return request
    headers = (*request.headers, ("Idempotency-Key", call.idempotency_key))
    return msgspec.structs.replace(request, headers=headers)
