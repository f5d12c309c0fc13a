"""As much of JSON Schema 2020-12 as our schema uses, to hold it to rules that are known."""

import re
from collections.abc import Iterator
from datetime import date, time
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
KNOWN = {
    "$schema", "$ref", "$defs", "title", "description", "type", "properties", "required", "additionalProperties",
    "items", "oneOf", "anyOf", "allOf", "if", "then", "enum", "const", "minItems", "maxItems", "minProperties",
    "minLength", "minimum", "maximum", "pattern", "default", "examples", "exclusiveMinimum", "propertyNames", "format",
}  # fmt: skip


def errors(schema: Any, value: Any, root: Any, at: str = "") -> Iterator[str]:
    """Yield what a schema finds wrong with a value."""
    if schema is True:
        return
    if schema is False:
        yield f"{at}: nothing is allowed here"
        return
    assert set(schema) <= KNOWN, set(schema) - KNOWN
    if isinstance(value, date | time):
        return
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        yield from errors(target, value, root, at)
    yield from _plain(schema, value, at)
    yield from _combined(schema, value, root, at)
    if isinstance(value, dict):
        yield from _object(schema, value, root, at)
    if isinstance(value, list) and "items" in schema:
        for place, part in enumerate(value):
            yield from errors(schema["items"], part, root, f"{at}[{place}]")


def _is(kind: str, value: Any) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _plain(schema: Any, value: Any, at: str) -> Iterator[str]:
    kinds = schema.get("type", [])
    if kinds and not any(
        _is(kind, value) for kind in ([kinds] if isinstance(kinds, str) else kinds)
    ):
        yield f"{at}: {value!r} is not of type {kinds}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{at}: {value!r} does not match {schema['pattern']}"
        if len(value) < schema.get("minLength", 0):
            yield f"{at}: too short"
    if isinstance(value, list) and not schema.get("minItems", 0) <= len(value) <= schema.get(
        "maxItems", 10**9
    ):
        yield f"{at}: wrong length"
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get(
        "maximum", value
    ):
        yield f"{at}: out of bounds"


def _combined(schema: Any, value: Any, root: Any, at: str) -> Iterator[str]:
    for part in schema.get("allOf", []):
        yield from errors(part, value, root, at)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            found = [list(errors(part, value, root, at)) for part in schema[word]]
            fitting = sum(not it for it in found)
            if fitting == 0 or (word == "oneOf" and fitting > 1):
                yield f"{at}: {fitting} of {word} fit {value!r}: {found}"
    if "if" in schema and not list(errors(schema["if"], value, root, at)):
        yield from errors(schema["then"], value, root, at)


def _object(schema: Any, value: Any, root: Any, at: str) -> Iterator[str]:
    for name in schema.get("required", []):
        if name not in value:
            yield f"{at}: {name} is missing"
    if len(value) < schema.get("minProperties", 0):
        yield f"{at}: empty"
    known = schema.get("properties", {})
    for name, part in value.items():
        yield from errors(
            known.get(name, schema.get("additionalProperties", True)), part, root, f"{at}.{name}"
        )
