"""Makes the signed bytes of a request from a scheme's template."""

import hashlib
import zlib
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from hookagent.payload import Parsed, read_json
from hookagent.providers.canonical import canonical_json
from hookagent.providers.codec import encode_base64
from hookagent.providers.refusal import Refusal
from hookagent.providers.signed import Part, Template
from hookagent.providers.view import View
from hookagent.verdict import Code

INFLATED_BYTES_MAX = 25 * 1024 * 1024
"""GitHub's cap on a payload; a body that inflates beyond it is an attack."""


class Given(NamedTuple):
    """What a template needs besides the request."""

    timestamp: bytes = b""
    id: bytes = b""
    secret: bytes = b""


Piece = Callable[[View, Given], bytes]


def compile_content(template: Template) -> Piece:
    """Turn a template into one function from a request to the signed bytes."""
    pieces: list[Piece] = []
    for place, part in enumerate(template.parts):
        follower = template.parts[place + 1] if place + 1 < len(template.parts) else None
        piece = _piece(part)
        if part.kind in {"id", "header"} and follower and follower.kind == "literal":
            piece = _closed(piece, part, follower.literal[:1])
        pieces.append(piece)
    if len(pieces) == 1:
        return pieces[0]
    return lambda view, given: b"".join([piece(view, given) for piece in pieces])


def _closed(piece: Piece, part: Part, stop: bytes) -> Piece:
    """Refuse a value that holds the text which ends it: the signed string could be cut twice."""

    def closed(view: View, given: Given) -> bytes:
        value = piece(view, given)
        if stop in value:
            what = part.name or part.kind
            raise Refusal(Code.MALFORMED, f"`{what}` holds the character that ends it")
        return value

    return closed


def _piece(part: Part) -> Piece:
    """Return the function of one part."""
    if part.kind == "literal":
        literal = part.literal
        return lambda _view, _given: literal
    if not part.name:
        return _BARE[part.kind]
    required = _NAMED[part.kind](part)
    if not part.optional:
        return required

    def optional(view: View, given: Given) -> bytes:
        try:
            return required(view, given)
        except Refusal as refusal:
            if refusal.code is Code.MISSING_PART:
                return b""
            raise

    return optional


def _inflated(view: View, _given: Given) -> bytes:
    """Undo one gzip layer, bounded."""
    body = view.request.body
    encoding = (view.request.headers.text("content-encoding") or "").strip().lower()
    if encoding != "gzip":
        return body
    try:
        inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
        text = inflater.decompress(body, INFLATED_BYTES_MAX)
    except zlib.error as error:
        raise Refusal(Code.MALFORMED, "the body is not gzip as its header says") from error
    if not inflater.eof or inflater.unused_data:
        raise Refusal(Code.MALFORMED, "the gzip body is cut off or too large")
    return text


def _jcs(view: View, _given: Given) -> bytes:
    parsed = read_json(view.request.body)
    text = canonical_json(parsed.value) if isinstance(parsed, Parsed) else None
    if text is None:
        raise Refusal(Code.MISSING_PART, "the body is not JSON that has a canonical form")
    return text


def _form_sorted(view: View, _given: Given) -> bytes:
    """Every field by name, name and value joined; several values of a name in sorted order."""
    fields = sorted((name, value) for name, values in view.form.items() for value in values)
    return b"".join([name + value for name, value in fields])


def _query_sorted(view: View, _given: Given) -> bytes:
    """Raw parameters sorted by name, joined as they came."""
    text = view.request.query.encode("utf-8", "surrogateescape")
    items = [item for item in text.split(b"&") if item]
    items.sort(key=_field_name)
    return b"&".join(items)


def _field_name(item: bytes) -> bytes:
    return item.partition(b"=")[0]


def _text(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _host(view: View, _given: Given) -> bytes:
    try:
        return _text(urlsplit(view.public_base.decode("utf-8", "surrogateescape")).netloc)
    except ValueError as error:
        raise Refusal(Code.MISSING_PART, "the configured public URL cannot be read") from error


def _sha256(view: View) -> bytes:
    return hashlib.sha256(view.request.body).digest()


_BARE: Mapping[str, Piece] = {
    "body": lambda view, _: view.request.body,
    "body_crc32": lambda view, _: str(zlib.crc32(view.request.body)).encode(),
    "body_inflated": _inflated,
    "body_jcs": _jcs,
    "body_sha256": lambda view, _: _sha256(view),
    "body_sha256_base64": lambda view, _: encode_base64(_sha256(view)),
    "body_sha256_hex": lambda view, _: _sha256(view).hex().encode(),
    "form_sorted": _form_sorted,
    "host": _host,
    "id": lambda _, given: given.id,
    "method": lambda view, _: _text(view.request.method),
    "method_lower": lambda view, _: _text(view.request.method.lower()),
    "path": lambda view, _: _text(view.request.path),
    "query": lambda view, _: _text(view.request.query),
    "query_sorted": _query_sorted,
    "secret": lambda _, given: given.secret,
    "target": lambda view, _: view.target,
    "timestamp": lambda _, given: given.timestamp,
    "url": lambda view, _: view.url,
}


def _config(part: Part) -> Piece:
    return lambda view, _: view.setting(part.name).encode()


def _json(part: Part) -> Piece:
    return lambda view, _: view.json_text(part.path, part.name)


def _header(part: Part) -> Piece:
    return lambda view, _: view.header(part.name)


def _query(part: Part) -> Piece:
    return lambda view, _: view.query_field(part.name)


def _form(part: Part) -> Piece:
    return lambda view, _: view.form_field(part.name)


_NAMED: Mapping[str, Callable[[Part], Piece]] = {
    "config": _config,
    "form": _form,
    "header": _header,
    "json": _json,
    "query": _query,
}
