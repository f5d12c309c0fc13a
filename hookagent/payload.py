"""From a body's bytes to a value: JSON read strictly, forms read by their standard.

Total: any bytes give a `Parsed` or an `Unparsed`, never an exception. JSON is RFC 8259 in UTF-8,
without NaN, Infinity, lone surrogates or a byte order mark, at most `DEPTH_MAX` deep.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec

DEPTH_MAX = 128
"""Nesting beyond this is an attack on whoever walks the value (SECURITY P4), not a payload."""
FORM_FIELDS_MAX = 1_000
"""As aiohttp's own `client_max_fields`."""


class Parsed(msgspec.Struct, frozen=True):
    """A body that could be read."""

    value: Any


class Unparsed(msgspec.Struct, frozen=True):
    """A body that could not be read, and why."""

    reason: str
    offset: int | None = None
    """In bytes from the start, where it is known."""


Payload = Parsed | Unparsed

_decode = msgspec.json.Decoder().decode
_OFFSET = re.compile(r"\(byte (\d+)\)")


def read(body: bytes, content_type: str = "") -> Payload:
    """Read a body by its declared type: a form where it says so, JSON otherwise.

    A form with one field `payload` that holds JSON (GitHub and Slack can send such) becomes that
    JSON value.
    """
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        return read_form(body)
    return read_json(body)


def read_json(body: bytes) -> Payload:
    """Read JSON from the very bytes that were verified."""
    if not body:
        return Unparsed("the body is empty", 0)
    if len(body.translate(None, _NOT_OPENING)) > DEPTH_MAX and _too_deep(body):
        return Unparsed(f"nested deeper than {DEPTH_MAX} levels")
    try:
        return Parsed(_decode(body))  # keeps every string, so every byte of it is checked
    except UnicodeDecodeError as error:
        return Unparsed("not UTF-8", error.start)
    except msgspec.DecodeError as error:
        found = _OFFSET.search(str(error))
        return Unparsed(f"not JSON: {error}", int(found.group(1)) if found else None)
    except RecursionError:
        return Unparsed(f"nested deeper than {DEPTH_MAX} levels")


def read_form(body: bytes) -> Payload:
    """Read an URL-encoded form: one value is a string, several of a name are a list."""
    try:
        fields = parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            max_num_fields=FORM_FIELDS_MAX,
            errors="strict",
        )
    except UnicodeDecodeError as error:
        return Unparsed("the form is not UTF-8", error.start)
    except ValueError as error:
        return Unparsed(f"not a form: {error}")
    value: dict[str, Any] = {}
    for name, text in fields:
        if name not in value:
            value[name] = text
        elif isinstance(value[name], list):
            value[name].append(text)
        else:
            value[name] = [value[name], text]
    if set(value) == {"payload"} and isinstance(value["payload"], str):
        inner = read_json(value["payload"].encode())
        if isinstance(inner, Parsed):
            return inner
    return Parsed(value)


_NOT_OPENING = bytes(set(range(256)) - set(b"[{"))
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))
"""What `_too_deep` drops before it looks at nesting."""
PEELS = 16
"""Levels of brackets taken off at the speed of C; real payloads have no more."""
PEEL_LEAST = 64
"""A level that takes off less than this part is not worth its copy."""


def _too_deep(body: bytes) -> bool:
    """Whether brackets outside strings nest beyond the limit; linear in the body's length."""
    unescaped = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    structure = unescaped.translate(None, _NOT_STRUCTURE)
    nested = b"".join(structure.split(b'"')[::2])
    most = DEPTH_MAX
    for _ in range(PEELS):
        peeled = nested.replace(b"[]", b"").replace(b"{}", b"")
        if not peeled or peeled == nested:
            return False  # flat enough, or not JSON: the decoder says why
        if len(nested) - len(peeled) < len(nested) // PEEL_LEAST:
            break  # one deep pile: the walk sees it at once, peeling would take a copy per level
        nested = peeled
        most -= 1
    depth = 0
    for byte in nested:
        depth += 1 if byte in b"[{" else -1
        if depth > most:
            return True
    return False
