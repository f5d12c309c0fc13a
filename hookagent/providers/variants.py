"""What commonly happens to a delivery on its way: other bodies, secrets and URLs worth trying.

Used only to explain a failure, never to accept a delivery.
"""

import html
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit

import msgspec

from hookagent.event import RawRequest
from hookagent.payload import Parsed, read_json
from hookagent.providers.shape import SecretForm

INFLATED_BYTES_MAX = 8 * 1024 * 1024

Variant = tuple[str, bytes]
"""What was done to the body, and the body it must have been before."""


def bodies(request: RawRequest) -> Iterator[Variant]:
    """Yield bodies that may have been signed before something changed them."""
    body = request.body
    seen = {body}
    for make in (_line_ends, _charsets, _packed, _json_forms, _form_forms):
        for name, variant in make(body):
            if variant not in seen:
                seen.add(variant)
                yield name, variant


def _line_ends(body: bytes) -> Iterator[Variant]:
    yield "a line end was added at the end", body.removesuffix(b"\n")
    yield "a line end was added at the end", body.removesuffix(b"\r\n")
    yield "line ends were added at the end", body.rstrip(b"\r\n")
    yield "white space was added around it", body.strip()
    yield "the line end at the end was taken off", body + b"\n"
    yield "the line end (CRLF) at the end was taken off", body + b"\r\n"
    yield "its line ends were turned from CRLF to LF", body.replace(b"\n", b"\r\n")
    yield "its line ends were turned from LF to CRLF", body.replace(b"\r\n", b"\n")


def _charsets(body: bytes) -> Iterator[Variant]:
    mark = b"\xef\xbb\xbf"
    yield "a byte order mark was added", body.removeprefix(mark)
    yield "its byte order mark was taken off", mark + body
    for name, read, written in (
        ("it was turned from ISO-8859-1 to UTF-8", "utf-8", "latin-1"),
        ("UTF-8 was read as ISO-8859-1 and written again", "latin-1", "utf-8"),
        ("it was turned from UTF-16 to UTF-8", "utf-8", "utf-16-le"),
    ):
        try:
            yield name, body.decode(read).encode(written)
        except UnicodeError:
            continue


def _packed(body: bytes) -> Iterator[Variant]:
    if body[:2] != b"\x1f\x8b":
        return
    try:
        inflated = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body, INFLATED_BYTES_MAX)
    except zlib.error:
        return
    yield "it was compressed with gzip after it was signed", inflated


def _slashes(text: str) -> str:
    return text.replace("/", "\\/")


def _json_forms(body: bytes) -> Iterator[Variant]:
    """Re-encodings that parsers and frameworks make of JSON."""
    if not isinstance(read_json(body), Parsed):
        return
    value = json.loads(body)
    for name, write in JSON_FORMS:
        try:
            text = write(value)
            yield f"the JSON was parsed and written again; it was signed {name}", text.encode()
        except (ValueError, UnicodeEncodeError, RecursionError):
            continue


def _compact(value: Any, **options: Any) -> str:
    return json.dumps(value, separators=(",", ":"), **options)


JSON_FORMS: tuple[tuple[str, Callable[[Any], str]], ...] = (
    ("without spaces", lambda value: _compact(value, ensure_ascii=False)),
    ("without spaces, beyond ASCII as \\u", _compact),
    ("with a space after `:` and `,`", lambda value: json.dumps(value, ensure_ascii=False)),
    ("with a space after `:` and `,`, beyond ASCII as \\u", json.dumps),
    ("indented by 2", lambda value: json.dumps(value, ensure_ascii=False, indent=2)),
    ("indented by 4", lambda value: json.dumps(value, ensure_ascii=False, indent=4)),
    ("with sorted keys", lambda value: _compact(value, ensure_ascii=False, sort_keys=True)),
    ("with `/` as `\\/`", lambda value: _slashes(_compact(value, ensure_ascii=False))),
    ("with `/` as `\\/`, beyond ASCII as \\u", lambda value: _slashes(_compact(value))),
)


def _form_forms(body: bytes) -> Iterator[Variant]:
    """Other ways to write a form, and the JSON some forms carry."""
    if b"=" not in body or body[:1] in b"{[":
        return
    try:
        items = [item.partition("=") for item in body.decode("ascii").split("&")]
    except UnicodeDecodeError:
        return
    fields = [(unquote_plus(name), unquote_plus(value)) for name, _, value in items]
    yield "the form was written again, spaces as `%20`", _form(fields, quote_plus)
    yield "the form was written again, spaces as `+`", _form(fields, _percent)
    yield "the form's fields were put in another order", _form(sorted(fields), quote_plus)
    yield "the form's fields were put in another order", _form(sorted(fields), _percent)
    for name, value in fields:
        if name == "payload":
            yield "only the form's field `payload` was signed", value.encode("utf-8", "replace")


def _percent(text: str) -> str:
    return quote(text, safe="")


def _form(fields: list[tuple[str, str]], write: Callable[[str], str]) -> bytes:
    return "&".join(f"{write(name)}={write(value)}" for name, value in fields).encode()


SecretVariant = tuple[str, str, SecretForm]
"""What is different, the secret's text, and how it is read."""


def secrets(secret: str, form: SecretForm) -> Iterator[SecretVariant]:
    """Yield other readings of a secret; the text never leaves this package."""
    for name, text in (
        ("the secret has white space around it", secret.strip()),
        ("the secret has quotes around it", secret.strip("\"'")),
        ("the secret is HTML-escaped", html.unescape(secret)),
    ):
        if text != secret:
            yield name, text, form
    bare = secret.partition("_")[2] if secret.startswith(("whsec_", "whsk_")) else ""
    plain = SecretForm()
    if (form.form, form.strip) != ("utf-8", ()):
        yield "it was signed with the secret as it stands, not decoded", secret, plain
    if bare:
        yield "it was signed with the secret without its prefix, not decoded", bare, plain
        yield (
            "it was signed with the base64-decoded secret without its prefix",
            bare,
            SecretForm(form="base64"),
        )
    for other in ("hex", "base64"):
        if form.form != other:
            yield f"it was signed with the {other}-decoded secret", secret, SecretForm(form=other)


UrlVariant = tuple[str, RawRequest, str]
"""What is different, the request, and the base URL."""


def urls(request: RawRequest, base_url: str) -> Iterator[UrlVariant]:
    """Yield other URLs the sender may have signed."""
    for name, base in _bases(request, base_url):
        yield f"the sender signed it for {name}", request, base
    for name, target in (
        ("without the query", request.path),
        ("without the slash at the end", request.path.rstrip("/")),
        ("with a slash at the end", request.path.rstrip("/") + "/"),
    ):
        changed = msgspec.structs.replace(request, target=target, base_url=base_url)
        yield f"the sender signed the URL {name}", changed, base_url


def _bases(request: RawRequest, base_url: str) -> Iterator[tuple[str, str]]:
    """Yield other schemes, hosts and ports."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("https://")
    for scheme, usual in (("https", 443), ("http", 80)):
        yield f"`{scheme}`", f"{scheme}://{parts.netloc}"
        yield f"`{scheme}` with port {usual}", f"{scheme}://{host}:{usual}"
        yield f"`{scheme}` without a port", f"{scheme}://{host}"
        if port:
            yield f"`{scheme}` with port {port}", f"{scheme}://{host}:{port}"
        for header in ("x-forwarded-host", "x-original-host", "host"):
            sent = request.headers.text(header)
            if sent:
                yield f"the host in header `{header}`", f"{scheme}://{sent.strip()}"
