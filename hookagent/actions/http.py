"""`http`: one request to an address of the rule's author, its parts filled from the event."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.client import Answer, Request
from hookagent.actions.egress import Permit
from hookagent.actions.exchange import exchange, sort_answer, with_key
from hookagent.actions.signing import Sign, Signing, signed
from hookagent.actions.values import HeaderText, Json, Text, Url, encode_json
from hookagent.job import Outcome
from hookagent.template import Scope, TemplateError

about = "Send one HTTP request, its parts filled from the event, optionally signed."
leaves = '`{"status", "headers", "json" or "text"}`: the answer, at most 1 MiB of it.'
example = """\
action = "http"
url = "https://api.example.test/orders/{{ itemId }}"
headers = { Authorization = "Bearer ${API_TOKEN}" }
json = { item = "{{ itemId }}", stock = "{{ currentStock }}" }
sign = { scheme = "standard-webhooks", secret = "${ORDERS_SECRET}" }
"""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to send, and which answers are success."""

    url: Annotated[
        Url,
        msgspec.Meta(
            description="Where to: scheme, host and port literal, path and query may be templates.",
            examples=["https://api.example.test/orders/{{ itemId }}"],
        ),
    ]
    method: (
        Annotated[
            Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"],
            msgspec.Meta(description="The method; `POST` unless there is no body, then `GET`."),
        ]
        | None
    ) = None
    headers: Annotated[
        dict[str, HeaderText],
        msgspec.Meta(description="Header fields; values may be templates."),
    ] = {}
    json: Annotated[
        Json | None,
        msgspec.Meta(
            description=(
                "The body as JSON. Texts in it may be templates; a text that is one insertion "
                "and nothing else keeps the value's type."
            ),
        ),
    ] = None
    text: Annotated[
        Text | None,
        msgspec.Meta(description="The body as text; set its `Content-Type` in `headers`."),
    ] = None
    form: Annotated[
        dict[str, Text] | None,
        msgspec.Meta(description="The body as a URL-encoded form."),
    ] = None
    sign: Annotated[
        Sign | None,
        msgspec.Meta(description="Sign the request as a provider would."),
    ] = None
    expect: Annotated[
        list[Annotated[int, msgspec.Meta(ge=100, le=599)]],
        msgspec.Meta(description="The statuses that are success; left out, any 2xx."),
    ] = []
    allow_local: Annotated[
        bool,
        msgspec.Meta(
            description=(
                "Whether the host's name may stand for a local address. An address written "
                "out, and `localhost`, may be called anyway."
            ),
        ),
    ] = False

    def __post_init__(self) -> None:
        bodies = [name for name in ("json", "text", "form") if getattr(self, name) is not None]
        if len(bodies) > 1:
            raise ValueError(f"`{bodies[0]}` and `{bodies[1]}` do not go together: one body")


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The request without what each try adds: key, hop count and signature."""

    request: Request
    sign: Signing | None = None
    expect: tuple[int, ...] = ()


def prepare(options: Options, scope: Scope) -> Prepared:
    """Fill URL, headers and body. Raises TemplateError."""
    content_type, body = _body(options, scope)
    headers = {name: text.fill(scope) for name, text in options.headers.items()}
    if content_type and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = content_type
    has_body = bool(content_type)
    return Prepared(
        request=Request(
            method=options.method or ("POST" if has_body else "GET"),
            url=options.url.fill(scope),
            headers=tuple(headers.items()),
            body=body,
            permit=Permit(options.url.host, options.allow_local),
        ),
        sign=Signing.of(options.sign),
        expect=tuple(options.expect),
    )


def _body(options: Options, scope: Scope) -> tuple[str, bytes]:
    """Return the content type and the bytes; both empty where there is no body."""
    if options.json is not None:
        return "application/json", encode_json(options.json.fill(scope))
    if options.text is not None:
        return "text/plain; charset=utf-8", _encode(options.text.fill(scope))
    if options.form is not None:
        fields = {name: text.fill(scope) for name, text in options.form.items()}
        return "application/x-www-form-urlencoded", urlencode(fields, errors="replace").encode()
    return "", b""


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise TemplateError("the text cannot be written as UTF-8") from None


async def run(prepared: Prepared, call: Call, outside: Outside) -> Outcome:
    """Send it once and sort the answer."""
    request = with_key(prepared.request, call)
    if prepared.sign is not None:
        request = signed(request, prepared.sign, call, outside.clock())

    def sort(answer: Answer, now: int) -> Any:
        return sort_answer(answer, now, prepared.expect)

    return await exchange(request, call, outside, sort)
