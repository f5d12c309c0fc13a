"""What a condition looks at: an event, and inside `item`, `all` and `not` one element of it."""

from functools import lru_cache
from typing import Any

from hookagent.event import Event
from hookagent.lookup import MISSING, find
from hookagent.subject import Reference, parse_reference, values

ITEM = "item"
"""The area of references that are relative to an element."""
EXPRESSION = "expr"
"""The area of conditions that are an expression rather than one reference."""

ITSELF = Reference("@item", ITEM, ())
"""The element itself."""
WHOLE = Reference("", EXPRESSION, ())
"""The reference of a condition that is an expression."""


REFERENCES_KEPT = 4_096
"""Rules name the same few hundred paths again and again: they are read once, and shared."""


class Scope:
    """An event and, within a list, the element at hand."""

    __slots__ = ("event", "item")

    def __init__(self, event: Event, item: Any = MISSING) -> None:
        self.event = event
        self.item = item

    def at(self, item: Any) -> "Scope":
        """Return the scope of one element."""
        return Scope(self.event, item)

    def values(self, reference: Reference) -> list[Any]:
        """Return every value a reference reaches, none where it is missing."""
        if reference.area != ITEM:
            return values(reference, self.event)
        if self.item is MISSING:
            return []
        return find(reference.path, self.item) if reference.path else [self.item]


@lru_cache(maxsize=REFERENCES_KEPT)
def read_reference(text: str) -> Reference:
    """Read a reference as rules write them: with `@item.path` besides the event's own.

    Raises PathError.
    """
    if text == ITSELF.text:
        return ITSELF
    for start in ("@item.", "@item["):
        if text.startswith(start):
            return relative(text.removeprefix("@item").removeprefix("."), text=text)
    return parse_reference(text)


def relative(path: str, *, text: str = "") -> Reference:
    """Read a path into an element; with `@` it is still the envelope's. Raises PathError."""
    if path.startswith("@"):
        return read_reference(path)
    return Reference(text or path, ITEM, parse_reference(path).path)


def elements(found: list[Any]) -> list[Any]:
    """Return values with lists, and lists in them, opened: what `any element` means."""
    if not any(isinstance(value, list) for value in found):
        return found
    opened: list[Any] = []
    pending = list(reversed(found))
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(reversed(value))
        else:
            opened.append(value)
    return opened
