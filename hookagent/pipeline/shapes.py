"""The shape of many payloads: which fields there are, of which types, how often null or missing.

    shape = shape_of(payloads)
    shape["data.items[].sku"].types      {"string": 12, "null": 1}

`changes` compares two shapes: what came, went, or became null or another type. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from hookagent.lookup import format_path

FIELDS_MAX = 5_000
"""Beyond so many fields (an object used as a map, say) new ones are no longer noted."""
NULL = "null"
_TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number",
          float: "number", type(None): NULL}  # fmt: skip


class Field(msgspec.Struct):
    """One place in the payloads."""

    chances: int = 0
    """How many objects or arrays it could have been in."""
    present: int = 0
    types: dict[str, int] = {}
    """How often it was of which JSON type."""

    @property
    def missing(self) -> int:
        """In how many of its parents it was not."""
        return self.chances - self.present

    @property
    def null(self) -> int:
        """How often it was null."""
        return self.types.get(NULL, 0)


class Change(msgspec.Struct, frozen=True):
    """What is different about one field."""

    path: str
    what: str
    """`new`, `gone`, `type`, `null` (sometimes null now), `missing` (sometimes missing now)."""
    before: str
    after: str


Shape = Mapping[str, Field]


def shape_of(payloads: Iterable[Any]) -> dict[str, Field]:
    """Return every field of the payloads by its path, in the order first seen."""
    fields: dict[str, Field] = {}
    parents: dict[str, int] = {}
    for payload in payloads:
        for path, value in _places(payload, ""):
            field = fields.get(path)
            if field is None:
                if len(fields) >= FIELDS_MAX:
                    continue
                field = fields[path] = Field(types={})
            kind = _TYPES.get(type(value), "other")
            field.present += 1
            field.types[kind] = field.types.get(kind, 0) + 1
            if isinstance(value, dict):
                parents[path] = parents.get(path, 0) + 1
    for path, field in fields.items():
        parent = _parent(path)
        field.chances = field.present if parent is None else parents.get(parent, field.present)
    return fields


def _places(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every place in a value with its path; the elements of an array share one."""
    pending = [(path, value)]
    while pending:
        place, found = pending.pop()
        yield place, found
        if isinstance(found, dict):
            below = [(_under(place, str(name)), item) for name, item in found.items()]
        elif isinstance(found, list):
            below = [(f"{place}[]", item) for item in found]
        else:
            continue
        pending += reversed(below)


def _under(path: str, name: str) -> str:
    written = format_path((name,))
    if not path or written.startswith("["):
        return path + written
    return f"{path}.{written}"


def _parent(path: str) -> str | None:
    """Return the object a member is in; None for elements of arrays and for the whole."""
    if not path or path.endswith("[]"):
        return None
    if path.endswith("]"):
        return path[: path.rindex("[")]
    return path.rpartition(".")[0]


def changes(before: Shape, after: Shape) -> list[Change]:
    """Return what is different about each field, the whole of it first."""
    found = []
    for path in dict.fromkeys([*before, *after]):
        old, new = before.get(path), after.get(path)
        if new is None:
            if old is not None and _parent_is_there(path, after):
                found.append(Change(path, "gone", _said(old), "-"))
        elif old is None:
            if _parent_is_there(path, before):
                found.append(Change(path, "new", "-", _said(new)))
        else:
            found += _changed(path, old, new)
    return found


def _parent_is_there(path: str, shape: Shape) -> bool:
    """Whether the loss of a field says more than that of the object it was in."""
    parent = path.removesuffix("[]") if path.endswith("[]") else _parent(path)
    return not parent or parent in shape


def _changed(path: str, old: Field, new: Field) -> Iterator[Change]:
    types = set(new.types) - set(old.types) - {NULL}
    if types and set(old.types) - {NULL}:
        yield Change(path, "type", _said(old), _said(new))
    if new.null and not old.null:
        yield Change(path, "null", "never null", f"null in {new.null} of {new.present}")
    if new.missing and not old.missing:
        yield Change(path, "missing", "always there", f"missing in {new.missing} of {new.chances}")


def _said(field: Field) -> str:
    return "/".join(sorted(field.types))
