"""References: how configuration, rules and templates name a value of an event.

    pull_request.base.ref     a path into the decoded payload, see `lookup`
    @headers.x-github-event   a header field, any case
    @query.token              a parameter of the query
    @source @type @method @path @client_ip @received_at @integrity @origin @id
    @body                     the body as it came, as text

A reference is read once and resolved often; resolving is total.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from hookagent.errors import did_you_mean
from hookagent.event import Event, RawRequest
from hookagent.eventfile import format_time
from hookagent.lookup import Path, PathError, find, parse_path

ENVELOPE: Mapping[str, Callable[[Event], Any]] = {
    "source": lambda event: event.source,
    "type": lambda event: event.type,
    "method": lambda event: event.request.method,
    "path": lambda event: event.request.path,
    "client_ip": lambda event: event.request.client_ip,
    "received_at": lambda event: format_time(event.received_at),
    "integrity": lambda event: str(event.verdict.integrity),
    "origin": lambda event: str(event.origin),
    "id": lambda event: event.id,
    "body": lambda event: event.request.body.decode("utf-8", "replace"),
}
"""Envelope values that stand for themselves."""
EMPTY_IS_MISSING = frozenset({"type", "client_ip", "body"})
FIELDS = ("headers", "query")
"""Envelope values that hold named fields."""


class Reference(msgspec.Struct, frozen=True):
    """One name of one value."""

    text: str
    """As it was written."""
    area: str = ""
    """Empty for the payload, else which part of the envelope."""
    path: Path = ()
    """Into the payload; for `headers` and `query` the one field's name."""

    def __str__(self) -> str:
        return self.text

    @property
    def is_payload(self) -> bool:
        """Whether it names a value of the payload."""
        return not self.area


class WrongReference(PathError):
    """A reference that cannot be read, with a hint where there is one."""

    def __init__(self, message: str, position: int, hint: str | None = None) -> None:
        super().__init__(message, position)
        self.hint = hint


def parse_reference(text: str) -> Reference:
    """Read a reference. Raises PathError (WrongReference where there is a hint)."""
    if not text.startswith("@"):
        return Reference(text, "", parse_path(text))
    area, dot, rest = text[1:].partition(".")
    if area in FIELDS:
        if not rest:
            raise WrongReference(f"`@{area}` needs a name: `@{area}.NAME`", len(text))
        name = rest.strip("[]'\"") if rest.startswith("['") else rest
        return Reference(text, area, (name.lower() if area == "headers" else name,))
    if area not in ENVELOPE:
        raise WrongReference(
            f"`@{area}` is not a part of the envelope",
            1,
            did_you_mean(area, (*ENVELOPE, *FIELDS)),
        )
    if dot:
        raise WrongReference(f"`@{area}` has no parts", len(area) + 1)
    return Reference(text, area, ())


def values(reference: Reference, event: Event) -> list[Any]:
    """Return every value the reference reaches in an event, none where it is missing."""
    if not reference.area:
        return find(reference.path, event.payload)
    if reference.area in FIELDS:
        return request_values(reference, event.request, None)
    value = ENVELOPE[reference.area](event)
    return [] if value == "" and reference.area in EMPTY_IS_MISSING else [value]


def request_values(reference: Reference, request: RawRequest, payload: Any) -> list[Any]:
    """Resolve a payload, header or query reference before there is an event."""
    if not reference.area:
        return find(reference.path, payload)
    name = str(reference.path[0]) if reference.path else ""
    if reference.area == "headers":
        return [value.decode("utf-8", "replace") for value in request.headers.all(name)]
    if reference.area == "query":
        fields = parse_qsl(request.query, keep_blank_values=True, errors="replace")
        return [value for key, value in fields if key == name]
    if reference.area == "method":
        return [request.method]
    if reference.area == "path":
        return [request.path]
    return []
