"""`changed`: whether an event says that a value is no longer what it was.

Providers that send former values do it in one of a few shapes. Each line of `SHAPES` is one: where
the present value stands, where the former one does, and whether its mere presence means a change
(the provider lists changed fields only) or it has to be compared.
"""

from dataclasses import dataclass
from typing import Any

from hookagent.lookup import Path, Step, find, format_path
from hookagent.rules.scope import Scope
from hookagent.subject import Reference

REST = "*"
"""In a shape: the rest of the path."""
ANY = "?"
"""In a shape: one step of any name."""
NAMED = "="
"""At the end of a shape: the values there are names of changed fields."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a former value may stand."""

    reference: Reference
    is_compared: bool = False
    """Whether it must differ; otherwise its presence is the change."""
    name: str = ""
    """Where set: the values there are names, and this one must be among them."""


@dataclass(frozen=True, slots=True)
class Change:
    """The argument of `changed`."""

    is_expected: bool
    places: tuple[Place, ...]


SHAPES: tuple[tuple[tuple[str, ...], tuple[str, ...], bool], ...] = (
    (("data", "object", REST), ("data", "previous_attributes", REST), False),  # Stripe
    ((ANY, REST), ("changes", REST), False),  # GitHub: issue.title, changes.title.from
    ((REST,), ("changes", REST), False),  # GitHub: repository.name, changes.repository.name.from
    (("data", REST), ("updatedFrom", REST), False),  # Linear
    (("issue", "fields", REST), ("changelog", "items", "field", NAMED), False),  # Jira
    (("record", REST), ("old_record", REST), True),  # Supabase
    (("after", REST), ("before", REST), True),  # Debezium
    (("payload", "after", REST), ("payload", "before", REST), True),  # Debezium with its schema
    (("current", REST), ("previous", REST), True),  # Pipedrive 1
    (("data", REST), ("previous", REST), True),  # Pipedrive 2
    (("event", "current"), ("event", "previous"), True),  # Zendesk
)


def conventional(path: Path) -> tuple[Place, ...]:
    """List where the known providers would put the former value of a path."""
    places = []
    for now, before, is_compared in SHAPES:
        rest = _rest(now, path)
        if rest is not None:
            places.append(_place(before, rest, is_compared=is_compared))
    return tuple(places)


def _rest(shape: tuple[str, ...], path: Path) -> tuple[Step, ...] | None:
    """Return what a path has where the shape says REST; None where it does not fit."""
    for place, wanted in enumerate(shape):
        if wanted == REST:
            return path[place:] or None
        if place >= len(path) or (wanted != ANY and path[place] != wanted):
            return None
    return () if len(path) == len(shape) else None


def _place(shape: tuple[str, ...], rest: tuple[Step, ...], *, is_compared: bool) -> Place:
    steps: list[Step] = []
    name = ""
    for part in shape:
        if part == REST:
            steps.extend(rest)
        elif part == NAMED:
            name = str(rest[0])
        else:
            steps.append(part)
    path = tuple(steps)
    return Place(Reference(format_path(path), "", path), is_compared, name)


def is_changed(change: Change, present: list[Any], scope: Scope) -> bool:
    """Whether values that are present were something else before."""
    return any(_says(place, present, scope) for place in change.places)


def _says(place: Place, present: list[Any], scope: Scope) -> bool:
    before = scope.values(place.reference)
    if not before:
        return False
    if place.name:
        return place.name in [value for value in before if isinstance(value, str)]
    return not place.is_compared or not same(before, present)


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal the strict way: 1 is 1.0, but not true and not "1"."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def former(path: Path, document: Any) -> list[Any]:
    """Return the former values a document holds for a path, by any known shape."""
    return [
        value
        for place in conventional(path)
        if not place.name
        for value in find(place.reference.path, document)
    ]
