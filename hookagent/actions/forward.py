"""`forward`: the event as it came, its very bytes, to one or several applications.

Fields that belong to one connection, credentials and, beyond this machine, signatures stay behind
(SECURITY R10). With several targets a repeated try calls only those that have not answered yet.
"""

from typing import Annotated, Any

import msgspec

from hookagent.actions.base import HOP_HEADER, Call, Outside
from hookagent.actions.client import Request
from hookagent.actions.egress import Permit, read_address
from hookagent.actions.exchange import exchange, with_key
from hookagent.actions.signing import Sign, Signing, signed
from hookagent.actions.values import Url, Urls
from hookagent.event import Headers, RawRequest
from hookagent.job import Again, Done, Later, Never, Outcome
from hookagent.redact import is_sensitive
from hookagent.template import Scope, TemplateError

about = "Send the event's own bytes and headers to an application, optionally signed anew."
leaves = (
    '`{"url", "done", "status", "headers", "json" or "text"}`; '
    'with several targets `{"targets": [...]}`.'
)
example = """\
action = "forward"
url = "http://127.0.0.1:3000/webhooks"
"""

_OF_THE_CONNECTION = frozenset(
    {
        "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host",
        "content-length", "expect", "accept-encoding", "proxy-connection",
    },
)  # fmt: skip
"""Of one hop only (RFC 9110, 7.6.1), or made anew for ours."""
_CREDENTIALS = frozenset(
    {"authorization", "proxy-authorization", "proxy-authenticate", "cookie", "forwarded"},
)
EVENT_HEADER = "X-Hookagent-Event"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, and what goes along."""

    url: Annotated[
        Urls,
        msgspec.Meta(
            description="The application's address, or a list of them.",
            examples=["http://127.0.0.1:3000/webhooks"],
        ),
    ]
    keep_path: Annotated[
        bool,
        msgspec.Meta(description="Whether the event's own path and query follow the address."),
    ] = False
    keep_headers: Annotated[
        list[str],
        msgspec.Meta(
            description=(
                "Header fields to send although they would stay behind: credentials anywhere, "
                "signatures and tokens beyond this machine."
            ),
            examples=[["X-Hub-Signature-256"]],
        ),
    ] = []
    headers: Annotated[
        dict[str, str],
        msgspec.Meta(description="Fields to add, or to put in the place of those that came."),
    ] = {}
    sign: Annotated[
        Sign | None,
        msgspec.Meta(description="Sign it anew, as a provider would."),
    ] = None
    allow_local: Annotated[
        bool,
        msgspec.Meta(
            description=(
                "Whether the host's name may stand for a local address. An address written "
                "out, and `localhost`, may be called anyway."
            ),
        ),
    ] = False


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """One request per target, without what each try adds."""

    requests: tuple[Request, ...]
    sign: Signing | None = None


def prepare(options: Options, scope: Scope) -> Prepared:
    """Take over the request. Raises TemplateError for a path that would climb."""
    return Prepared(
        requests=tuple(_request(url, options, scope) for url in options.url.each),
        sign=Signing.of(options.sign),
    )


def _request(url: Url, options: Options, scope: Scope) -> Request:
    came = scope.event.request
    address = url.fill(scope)
    if options.keep_path:
        address = _with_path(address, came)
    headers = passed_on(came.headers, options.keep_headers, is_here=_is_this_machine(url))
    headers = headers.with_fields({**options.headers, EVENT_HEADER: scope.event.id})
    return Request(
        method=came.method,
        url=address,
        headers=tuple(headers.items()),
        body=came.body,
        permit=Permit(url.host, options.allow_local),
    )


def _with_path(address: str, came: RawRequest) -> str:
    """Put the event's path and query after the address."""
    lowered = came.path.lower().replace("%2e", ".")
    if any(segment in {".", ".."} for segment in lowered.split("/")):
        raise TemplateError("the event's path would climb out of the target's")
    return address.rstrip("/") + came.target


def _is_this_machine(url: Url) -> bool:
    address = read_address(url.host)
    return url.host == "localhost" or (address is not None and address.is_loopback)


def passed_on(headers: Headers, keep: list[str], *, is_here: bool) -> Headers:
    """Leave out what belongs to the connection, and what is secret unless it may go along."""
    named = ",".join(value.decode("latin-1") for value in headers.all("connection"))
    dropped = {HOP_HEADER.lower(), *_OF_THE_CONNECTION}
    dropped |= {name.strip().lower() for name in named.split(",")}
    kept = {name.lower() for name in keep}
    return Headers(
        (name, value)
        for name, value in headers.pairs
        if _goes_along(name.decode("latin-1").lower(), dropped, kept, is_here=is_here)
    )


def _goes_along(name: str, dropped: set[str], kept: set[str], *, is_here: bool) -> bool:
    if name in dropped:
        return False
    if name in kept:
        return True
    if name in _CREDENTIALS or name.startswith(("x-forwarded-", "proxy-")):
        return False
    return is_here or not is_sensitive(name)


async def run(prepared: Prepared, call: Call, outside: Outside) -> Outcome:
    """Send to each target that has not taken it yet; the output holds each answer."""
    answers = _earlier(call, len(prepared.requests))
    worst: Outcome = Done()
    for place, request in enumerate(prepared.requests):
        if answers[place].get("done"):
            continue
        outcome = await _send(request, prepared.sign, call, outside)
        answers[place] = _answer(request, outcome)
        worst = _worse(worst, outcome)
    output = answers[0] if len(answers) == 1 else {"targets": answers}
    match worst:
        case Later(after_ms=wait, reason=reason):
            return Later(after_ms=wait, reason=reason, output=output)
        case Again(error=error, retry_after_ms=wish):
            return Again(error=error, retry_after_ms=wish, output=output)
        case Never(error=error):
            return Never(error=error, output=output)
        case _:
            return Done(output)


async def _send(request: Request, sign: Signing | None, call: Call, outside: Outside) -> Outcome:
    request = with_key(request, call)
    if sign is not None:
        request = signed(request, sign, call, outside.clock())
    return await exchange(request, call, outside)


def _answer(request: Request, outcome: Outcome) -> dict[str, Any]:
    output = {} if isinstance(outcome, Later) else getattr(outcome, "output", None) or {}
    return {"url": request.url, "done": isinstance(outcome, Done), **output}


def _earlier(call: Call, count: int) -> list[dict[str, Any]]:
    """Return what each target answered on the previous try, empty where it did not."""
    before = call.earlier.get("targets") if isinstance(call.earlier, dict) else None
    if isinstance(before, list) and len(before) == count:
        return [answer if isinstance(answer, dict) else {} for answer in before]
    return [{} for _ in range(count)]


_RANK: tuple[type[Outcome], ...] = (Done, Never, Later, Again)
"""What may still come to pass outweighs what is over, so that it is tried again."""


def _worse(one: Outcome, other: Outcome) -> Outcome:
    return max(one, other, key=lambda outcome: _RANK.index(type(outcome)))
