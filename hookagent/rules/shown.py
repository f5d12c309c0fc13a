"""Predicates and values as JSON for people: what a rule asks for, and what an event had."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from hookagent.eventfile import format_time
from hookagent.lookup import format_path
from hookagent.rules.arguments import Moment
from hookagent.rules.changed import Change
from hookagent.rules.expressions import Expression
from hookagent.rules.model import Condition, Field, Predicate, plain
from hookagent.rules.scope import ITSELF

TEXT_MAX = 200
"""Characters of one text that are shown."""
PARTS_MAX = 20
"""Elements or members of one value that are shown."""
DEPTH_MAX = 4


def argument(predicate: Predicate) -> Any:
    """Return a predicate's argument as it would be written."""
    return _written(predicate.argument)


def _written(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted((plain(part) for part in value), key=lambda part: (str(type(part)), part))
    if isinstance(value, tuple):
        return _listed(value)
    return _one(value)


def _listed(value: tuple[Any, ...]) -> Any:
    if value and isinstance(value[0], Condition):
        return clause(value)
    return plain(value[0]) if len(value) == 1 else [plain(part) for part in value]


def _one(value: Any) -> Any:
    match value:
        case Field(reference):
            return {"field": reference.text}
        case Moment():
            return _moment(value)
        case Expression(text, _):
            return text
        case Change():
            return value.is_expected
        case _:
            return plain(value)


def clause(group: tuple[Condition, ...]) -> Any:
    """Return a group within an operator as the table it would be written as."""
    table: dict[str, Any] = {}
    for condition in group:
        requirement = {condition.predicate.op: argument(condition.predicate)}
        if condition.reference is ITSELF:
            table.update(requirement)
        else:
            table.setdefault(condition.reference.text, {}).update(requirement)
    return table


_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))


def duration(milliseconds: int) -> str:
    """Write a duration the way it is read: `1h30m`."""
    rest, text = abs(milliseconds), ""
    for unit, length in _UNITS:
        count, rest = divmod(rest, length)
        if count:
            text += f"{count}{unit}"
    return text or "0s"


def _moment(moment: Moment) -> str:
    if not moment.is_relative:
        return format_time(moment.ms)
    if not moment.ms:
        return "now"
    return f"now{'-' if moment.ms < 0 else '+'}{duration(moment.ms)}"


def trimmed(value: Any, depth: int = DEPTH_MAX) -> Any:
    """Return a value cut to what a person reads: short texts, few parts, not deep."""
    match value:
        case str():
            return value if len(value) <= TEXT_MAX else value[:TEXT_MAX] + "…"
        case list() if depth:
            parts = [trimmed(part, depth - 1) for part in value[:PARTS_MAX]]
            return [*parts, "…"] if len(value) > PARTS_MAX else parts
        case dict() if depth:
            items = list(value.items())[:PARTS_MAX]
            cut = {trimmed(key): trimmed(part, depth - 1) for key, part in items}
            return cut | {"…": "…"} if len(value) > PARTS_MAX else cut
        case list() | dict():
            return "…"
        case _:
            return value


def paths(document: Any, most: int = 2_000) -> Mapping[str, Any]:
    """Return the paths a document has, lists fanned out, with the first value of each."""
    found: dict[str, Any] = {}
    pending: deque[tuple[tuple[str | int, ...], Any]] = deque([((), document)])
    while pending and len(found) < most:
        path, value = pending.popleft()
        if isinstance(value, dict):
            pending.extend(((*path, key), part) for key, part in value.items())
        elif isinstance(value, list):
            pending.extend(
                (path, part) for part in value[:PARTS_MAX] if isinstance(part, dict | list)
            )
        if path:
            found.setdefault(format_path(path), value)
    return found
