"""Realistic test payloads: one file per provider and event type, filled with fresh ids and times.

    samples/github/pull_request.opened.json    a JSON body
    samples/twilio/received.form               fields of a form, one `name=value` to a line
    samples/github/headers.toml                headers that go with them, by event type

A file's name is the event's type, percent-encoded where a file name cannot hold it. Placeholders
stand in the text:

    {{ id }}  {{ id:order }}     24 hexadecimal digits; one value for each name
    {{ uuid }}  {{ uuid:x }}     a UUID
    {{ number }}                 nine digits
    {{ now }}  {{ date }}        2026-01-31T12:00:00.000Z, 2026-01-31
    {{ unix }}  {{ unix_ms }}    seconds or milliseconds since 1970
    "{{= unix }}"                the same without the quotes, a number

Times take an offset in seconds: `{{ now:-3600 }}`. Nothing here knows the clock: `fill` is given
the time and the randomness, so that the same arguments give the same bytes.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from urllib.parse import quote, unquote, urlencode
from uuid import UUID

import msgspec

from hookagent.errors import NotFound
from hookagent.eventfile import format_time

CONTENT_TYPES: Mapping[str, str] = {
    ".json": "application/json",
    ".form": "application/x-www-form-urlencoded",
    ".xml": "application/atom+xml",
}
"""By the file's suffix."""
HEADERS_FILE = "headers.toml"
EVERY = "*"
"""The table of `headers.toml` that goes with every event type."""
ID_DIGITS = 24
NUMBER_LEAST, NUMBER_MOST = 100_000_000, 999_999_999
SECOND_MS = 1000


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One payload: a template as `load` gives it, the bytes to send as `fill` makes it."""

    provider: str
    event_type: str
    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()
    """What the provider sends beside Content-Type and its signature."""
    query: str = ""
    """What it adds to the address, without the `?`."""


def providers() -> tuple[str, ...]:
    """Return the names of the providers that have samples, sorted."""
    return tuple(sorted(entry.name for entry in _root().iterdir() if entry.is_dir()))


def event_types(provider: str) -> tuple[str, ...]:
    """Return the event types a provider has samples of, sorted; none where it has no samples."""
    return tuple(sorted(_files(provider)))


def load(provider: str, event_type: str) -> Sample:
    """Read one sample. Raises NotFound with the nearest event type."""
    known = _files(provider)
    if event_type not in known:
        raise NotFound.among(f"sample of `{provider}` for event", event_type, known)
    file = known[event_type]
    fields = _fields(provider, event_type)
    query = fields.pop("query", "")
    return Sample(
        provider=provider,
        event_type=event_type,
        body=file.read_bytes().removesuffix(b"\n"),
        content_type=fields.pop("Content-Type", CONTENT_TYPES[_suffix(file.name)]),
        headers=tuple(fields.items()),
        query=query,
    )


def fill(sample: Sample, *, now: int, entropy: int) -> Sample:
    """Put fresh values into a sample; `now` is Unix milliseconds, `entropy` any number."""

    def fresh(text: str) -> str:
        return _PLACEHOLDER.sub(lambda found: _value(found, now, entropy), text)

    body = fresh(sample.body.decode())
    if sample.content_type.startswith(CONTENT_TYPES[".form"]):
        body = urlencode([line.partition("=")[::2] for line in body.splitlines() if line])
    return msgspec.structs.replace(
        sample,
        body=body.encode(),
        headers=tuple((name, fresh(value)) for name, value in sample.headers),
        query=fresh(sample.query),
    )


_PLACEHOLDER = re.compile(r'"\{\{= (\w+)(?::([\w-]+))? \}\}"|\{\{ (\w+)(?::([\w-]+))? \}\}')


def _value(found: re.Match[str], now: int, entropy: int) -> str:
    """Return what a placeholder stands for; one nobody knows stays as it is."""
    kind, name = (found[1], found[2]) if found[1] else (found[3], found[4])
    if kind in _TIMES:
        offset = int(name) if name and re.fullmatch(r"-?\d+", name) else 0
        return _TIMES[kind](now + offset * SECOND_MS)
    if kind in _MADE:
        return _MADE[kind](sha256(f"{entropy}\n{kind}\n{name or ''}".encode()).digest())
    return found[0]


_TIMES: Mapping[str, Callable[[int], str]] = {
    "now": format_time,
    "date": lambda moment: format_time(moment)[:10],
    "unix": lambda moment: str(moment // SECOND_MS),
    "unix_ms": str,
}


def _number(digest: bytes) -> str:
    return str(NUMBER_LEAST + int.from_bytes(digest[:8]) % (NUMBER_MOST - NUMBER_LEAST + 1))


_MADE: Mapping[str, Callable[[bytes], str]] = {
    "id": lambda digest: digest.hex()[:ID_DIGITS],
    "uuid": lambda digest: str(UUID(bytes=digest[:16], version=4)),
    "number": _number,
}


def _root() -> Traversable:
    return resources.files(__package__).joinpath("samples")


@lru_cache(maxsize=64)
def _files(provider: str) -> Mapping[str, Traversable]:
    """Return a provider's files by event type; lists the folder, reads no file."""
    folder = _root().joinpath(provider)
    if "/" in provider or provider.startswith(".") or not folder.is_dir():
        return {}
    return {
        unquote(file.name.removesuffix(_suffix(file.name))): file
        for file in folder.iterdir()
        if _suffix(file.name) in CONTENT_TYPES
    }


def _suffix(name: str) -> str:
    return "." + name.rpartition(".")[2]


def file_name(event_type: str, suffix: str = ".json") -> str:
    """Return the name of the file that holds an event type's sample."""
    return quote(event_type, safe=" ") + suffix


def _fields(provider: str, event_type: str) -> dict[str, str]:
    """Return the headers of an event type: those of every type, then its own."""
    file = _root().joinpath(provider, HEADERS_FILE)
    if not file.is_file():
        return {}
    tables = tomllib.loads(file.read_text("utf-8"))
    return {**tables.get(EVERY, {}), **tables.get(event_type, {})}
