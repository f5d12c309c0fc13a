"""`cloudevents`: the event as a CloudEvent over HTTP, binary or structured.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md. The
CloudEvent's `id` is the event's own, the same on every try: that is how receivers know repetitions.
"""

import base64
import re
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.client import Request
from hookagent.actions.egress import Permit
from hookagent.actions.exchange import exchange
from hookagent.actions.signing import Sign, Signing, signed
from hookagent.actions.values import Json, Text, Url, encode_json
from hookagent.eventfile import format_time
from hookagent.job import Outcome
from hookagent.template import Scope, TemplateError

about = "Send the event as a CloudEvent over HTTP, in binary or structured mode."
leaves = '`{"status", ...}`: the answer.'
example = """\
action = "cloudevents"
url = "https://events.example.test/"
type = "com.example.{{ @type }}"
subject = "{{ order.id }}"
"""

STRUCTURED = "application/cloudevents+json; charset=UTF-8"
_EXTENSION = re.compile(r"^[a-z0-9]{1,20}$")
_OWN = frozenset(
    {"id", "source", "type", "specversion", "time", "subject", "data", "datacontenttype",
     "dataschema", "database64"},
)  # fmt: skip
_VISIBLE = "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""What a header may hold unescaped: U+0021 to U+007E without `"` and `%` (3.1.3.2)."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, and how the event is named."""

    url: Annotated[Url, msgspec.Meta(description="Where to.")]
    mode: Annotated[
        Literal["binary", "structured"],
        msgspec.Meta(description="Attributes in headers and data as the body, or all in one JSON."),
    ] = "binary"
    type: Annotated[
        Text | None,
        msgspec.Meta(description="The CloudEvent's type; left out, the event's own."),
    ] = None
    source: Annotated[
        Text | None,
        msgspec.Meta(
            description="The CloudEvent's source; left out, `/hookagent/SOURCE`.",
            examples=["https://shop.example.test/orders"],
        ),
    ] = None
    subject: Annotated[Text | None, msgspec.Meta(description="The CloudEvent's subject.")] = None
    data: Annotated[
        Json | None,
        msgspec.Meta(description="The data; left out, the event's own body, byte for byte."),
    ] = None
    extensions: Annotated[
        dict[str, Text],
        msgspec.Meta(description="Further attributes; names of small letters and digits."),
    ] = {}
    sign: Annotated[Sign | None, msgspec.Meta(description="Sign the request.")] = None

    def __post_init__(self) -> None:
        for name in self.extensions:
            if not _EXTENSION.match(name) or name in _OWN:
                raise ValueError(f"`{name}` cannot be the name of an extension attribute")


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The request without its signature."""

    request: Request
    sign: Signing | None = None


def prepare(options: Options, scope: Scope) -> Prepared:
    """Fill attributes and data. Raises TemplateError."""
    attributes = _attributes(options, scope)
    content_type, data = _data(options, scope)
    make = _binary if options.mode == "binary" else _structured
    headers, body = make(attributes, content_type, data)
    return Prepared(
        request=Request(
            method="POST",
            url=options.url.fill(scope),
            headers=tuple(headers.items()),
            body=body,
            permit=Permit(options.url.host),
        ),
        sign=Signing.of(options.sign),
    )


def _attributes(options: Options, scope: Scope) -> dict[str, str]:
    event = scope.event
    kind = options.type.fill(scope) if options.type else event.type
    if not kind:
        raise TemplateError("the event has no type", hint="give the CloudEvent one with `type`")
    made = {
        "id": event.id,
        "source": options.source.fill(scope) if options.source else f"/hookagent/{event.source}",
        "type": kind,
        "specversion": "1.0",
        "time": format_time(event.received_at),
    }
    if options.subject is not None:
        made["subject"] = options.subject.fill(scope)
    return made | {name: text.fill(scope) for name, text in options.extensions.items()}


def _data(options: Options, scope: Scope) -> tuple[str, bytes]:
    if options.data is not None:
        return "application/json", encode_json(options.data.fill(scope))
    request = scope.event.request
    return request.headers.text("content-type") or "application/octet-stream", request.body


def _binary(
    attributes: dict[str, str], content_type: str, data: bytes,
) -> tuple[dict[str, str], bytes]:  # fmt: skip
    headers = {f"ce-{name}": quote(value, safe=_VISIBLE) for name, value in attributes.items()}
    return {"Content-Type": content_type, **headers}, data


def _structured(
    attributes: dict[str, str], content_type: str, data: bytes,
) -> tuple[dict[str, str], bytes]:  # fmt: skip
    whole: dict[str, Any] = {**attributes, "datacontenttype": content_type}
    if "json" in content_type:
        try:
            whole["data"] = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            whole["data_base64"] = base64.b64encode(data).decode()
    else:
        whole["data_base64"] = base64.b64encode(data).decode()
    return {"Content-Type": STRUCTURED}, encode_json(whole)


async def run(prepared: Prepared, call: Call, outside: Outside) -> Outcome:
    """Send it once."""
    request = prepared.request
    if prepared.sign is not None:
        request = signed(request, prepared.sign, call, outside.clock())
    return await exchange(request, call, outside)
