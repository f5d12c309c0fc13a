"""Dotted paths into a decoded payload.

    a.b          the member `b` of the member `a`
    a.b[0].c     an element by its place; from the end with [-1]
    items.sku    `sku` of any element: a list met on the way stands for its elements
    ['a.b'].c    a member whose name has a dot, a bracket or a space

A path is a tuple of steps, names as `str` and places as `int`. Lookups are total: any path on any
document gives an answer, a missing one is `MISSING` (or no values), never an exception.
"""

from typing import Any, Final

Step = str | int
Path = tuple[Step, ...]


class _Missing:
    """The answer of a lookup that found nothing; false, and equal only to itself."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()

DEPTH_MAX = 64
"""Steps in one path; deeper ones are a mistake."""


class PathError(ValueError):
    """A path that cannot be read; `position` is the offset of the trouble, from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


def parse_path(text: str) -> Path:
    """Read a path. Raises PathError with the offset of what is wrong."""
    steps: list[Step] = []
    position = 0
    while position < len(text):
        step, position = _step(text, position, is_first=not steps)
        steps.append(step)
    if not steps:
        raise PathError("the path is empty", 0)
    if len(steps) > DEPTH_MAX:
        raise PathError(f"the path has more than {DEPTH_MAX} steps", 0)
    return tuple(steps)


def _step(text: str, start: int, *, is_first: bool) -> tuple[Step, int]:
    """Read one step with the dot before it; return it and where the next begins."""
    if text[start] == "[":
        return _bracket(text, start)
    if text[start] == ".":
        if is_first:
            raise PathError("a name is missing before the dot", start)
        start += 1
    elif not is_first:
        raise PathError("a dot is missing before the name", start)
    end = start
    while end < len(text) and text[end] not in ".[":
        end += 1
    name = text[start:end]
    if not name:
        raise PathError("a name is missing after the dot", start - 1)
    if "]" in name:
        raise PathError("a `]` without its `[`", start + name.index("]"))
    return name, end


def _bracket(text: str, start: int) -> tuple[Step, int]:
    """Read `[0]`, `[-1]`, `['a name']` or `["a name"]` that begins at `start`."""
    quote = text[start + 1 : start + 2]
    if quote in {"'", '"'}:
        end = text.find(quote + "]", start + 2)
        if end < 0:
            raise PathError(f"the bracket is not closed with {quote}]", start)
        return text[start + 2 : end], end + 2
    end = text.find("]", start)
    if end < 0:
        raise PathError("the bracket is not closed", start)
    inner = text[start + 1 : end]
    if inner in {"", "*"}:
        raise PathError(f"leave `[{inner}]` out, a path goes into lists by itself", start)
    if not inner.removeprefix("-").isascii() or not inner.removeprefix("-").isdigit():
        raise PathError("a bracket holds a number or a quoted name", start + 1)
    return int(inner), end + 1


def format_path(path: Path) -> str:
    """Write a path so that `parse_path` reads it back."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif not step or any(character in ".[]'\" " for character in step):
            quote = '"' if "'" in step else "'"
            text += f"[{quote}{step}{quote}]"
        else:
            text += f".{step}" if text else step
    return text


def find(path: Path, document: Any) -> list[Any]:
    """Return every value the path reaches, in document order; a list on the way fans out."""
    value = document
    for place, step in enumerate(path):
        if not isinstance(value, dict) or step.__class__ is not str:
            return _fan_out(path[place:], value)
        value = value.get(step, MISSING)
        if value is MISSING:
            return []
    return [value]


def _fan_out(path: Path, document: Any) -> list[Any]:
    """Follow a path through lists as well."""
    found = [document]
    for step in path:
        reached: list[Any] = []
        for value in found:
            if isinstance(step, str):
                _members(step, value, reached)
            elif isinstance(value, list) and -len(value) <= step < len(value):
                reached.append(value[step])
        if not reached:
            return reached
        found = reached
    return found


def _members(name: str, value: Any, reached: list[Any]) -> None:
    """Add the member of an object, or of each object in a list (and lists in it)."""
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, dict):
            member = current.get(name, MISSING)
            if member is not MISSING:
                reached.append(member)
        elif isinstance(current, list):
            pending.extend(reversed(current))


def first(path: Path, document: Any) -> Any:
    """Return the first value the path reaches, or MISSING."""
    value = document
    for place, step in enumerate(path):
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step, MISSING)
            if value is MISSING:
                return MISSING
        else:
            found = find(path[place:], value)
            return found[0] if found else MISSING
    return value
