"""Columns as PostgreSQL arrays in their binary form: one parameter for a whole batch.

The format is that of `array_recv` (src/backend/utils/adt/arrayfuncs.c): dimensions, whether there
are NULLs, the element's type, then per dimension its length and lower bound, then per element its
length in bytes (-1 for NULL) and its bytes; all numbers big-endian.
"""

import re
import struct
from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import AsyncConnection
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_EMPTY = struct.Struct("!iiI").pack
_HEAD = struct.Struct("!iiIii").pack
_LENGTH = struct.Struct("!i").pack
_NULL = _LENGTH(-1)

_ESCAPE = "\uf8fe"
"""A private character that what PostgreSQL's text cannot hold is written with."""
_UNFIT = re.compile("[\0\uf8fe\ud800-\udfff]")
_ESCAPED = re.compile("\uf8fe([0-9a-f]{4})")


class Texts(bytes):
    """A `text[]`."""

    element, array = 25, 1009


class Blobs(bytes):
    """A `bytea[]`."""

    element, array = 17, 1001


class Ints(bytes):
    """An `int4[]`."""

    element, array = 23, 1007


class Bigs(bytes):
    """An `int8[]`."""

    element, array = 20, 1016


class Uuids(bytes):
    """A `uuid[]`."""

    element, array = 2950, 2951


def texts(values: Iterable[str | None]) -> Texts:
    """Encode text; what PostgreSQL cannot hold is escaped, which `readable` undoes."""
    return Texts(
        _packed(
            Texts.element, [None if text is None else storable(text).encode() for text in values]
        )
    )


def blobs(values: Iterable[bytes | None]) -> Blobs:
    """Encode bytes."""
    return Blobs(_packed(Blobs.element, list(values)))


def uuids(values: Iterable[bytes | None]) -> Uuids:
    """Encode 16 bytes each."""
    return Uuids(_packed(Uuids.element, list(values)))


def ints(values: Sequence[int | None]) -> Ints:
    """Encode 32-bit numbers."""
    return Ints(_numbers(Ints.element, "i", 4, values))


def bigs(values: Sequence[int | None]) -> Bigs:
    """Encode 64-bit numbers."""
    return Bigs(_numbers(Bigs.element, "q", 8, values))


def storable(text: str) -> str:
    """Return a text that PostgreSQL can hold: without U+0000 and lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return _UNFIT.sub(lambda found: f"{_ESCAPE}{ord(found[0]):04x}", text)


def readable(text: str) -> str:
    """Undo `storable`."""
    if _ESCAPE in text:
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return text


def _packed(element: int, items: list[bytes | None]) -> bytes:
    if not items:
        return _EMPTY(0, 0, element)
    parts = [_HEAD(1, int(None in items), element, len(items), 1)]
    for item in items:
        if item is None:
            parts.append(_NULL)
        else:
            parts.append(_LENGTH(len(item)))
            parts.append(item)
    return b"".join(parts)


def _numbers(element: int, code: str, size: int, values: Sequence[int | None]) -> bytes:
    if not values:
        return _EMPTY(0, 0, element)
    if None in values:
        pack = struct.Struct(f"!{code}").pack
        return _packed(element, [None if value is None else pack(value) for value in values])
    flat: list[Any] = [size] * (2 * len(values))
    flat[1::2] = values
    return _HEAD(1, 0, element, len(values), 1) + struct.pack(f"!{f'i{code}' * len(values)}", *flat)


class _AsItIs(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> Buffer | None:
        encoded: bytes = obj
        return encoded


def register(connection: AsyncConnection[Any]) -> None:
    """Teach a connection these arrays."""
    for kind in (Texts, Blobs, Ints, Bigs, Uuids):
        dumper = type(f"{kind.__name__}Dumper", (_AsItIs,), {"oid": kind.array})
        connection.adapters.register_dumper(kind, dumper)
