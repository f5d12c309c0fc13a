"""JSON Schema for what a model answers: the part of it that is needed, and nothing ignored.

`problems` judges a schema when a rule is read: a keyword that would not be checked is an error
there, so that nobody relies on it. `check` judges a value. Both are total. Keywords are those of
JSON Schema 2020-12; `pattern` is RE2, linear on any text.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import re2  # type: ignore[import-untyped] # google-re2 ships no types

TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: _is_number(value) and value == value // 1,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
NOTES = frozenset({"title", "description", "default", "examples", "$schema", "$comment"})
"""Keywords that say something and check nothing."""
DEPTH_MAX = 16
FOUND_MAX = 5
"""As many problems as a model is told at once."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def problems(schema: Any, where: str = "schema", depth: int = DEPTH_MAX) -> Iterator[str]:
    """Yield what is wrong with a schema, in sentences."""
    if not isinstance(schema, dict):
        yield f"`{where}` must be a table"
        return
    if depth <= 0:
        yield f"`{where}` is nested too deep"
        return
    for keyword, argument in schema.items():
        if keyword in NOTES:
            continue
        judge = _KEYWORDS.get(keyword)
        if judge is None:
            yield f"`{where}.{keyword}` is not checked here; known: {', '.join(sorted(_KEYWORDS))}"
        elif not judge(argument):
            yield f"`{where}.{keyword}` is not what JSON Schema wants there"
    for name, inner in _inner(schema):
        yield from problems(inner, f"{where}.{name}", depth - 1)


def _inner(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    properties = schema.get("properties")
    if isinstance(properties, dict):
        yield from ((f"properties.{name}", inner) for name, inner in properties.items())
    if "items" in schema:
        yield "items", schema["items"]
    if isinstance(schema.get("anyOf"), list):
        yield from ((f"anyOf[{place}]", one) for place, one in enumerate(schema["anyOf"]))


def _is_count(argument: Any) -> bool:
    return isinstance(argument, int) and not isinstance(argument, bool) and argument >= 0


def _is_pattern(argument: Any) -> bool:
    if not isinstance(argument, str):
        return False
    try:
        _compiled(argument)
    except re2.error:
        return False
    return True


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern.encode("utf-8", "surrogatepass"), options)


def _is_type(argument: Any) -> bool:
    names = argument if isinstance(argument, list) else [argument]
    return bool(names) and all(isinstance(name, str) and name in TYPES for name in names)


_KEYWORDS: Mapping[str, Callable[[Any], bool]] = {
    "type": _is_type,
    "enum": lambda argument: isinstance(argument, list) and bool(argument),
    "const": lambda _argument: True,
    "properties": lambda argument: isinstance(argument, dict),
    "required": lambda it: isinstance(it, list) and all(isinstance(name, str) for name in it),
    "additionalProperties": lambda argument: isinstance(argument, bool),
    "items": lambda argument: isinstance(argument, dict),
    "anyOf": lambda argument: isinstance(argument, list) and bool(argument),
    "minItems": _is_count,
    "maxItems": _is_count,
    "minLength": _is_count,
    "maxLength": _is_count,
    "pattern": _is_pattern,
    "minimum": _is_number,
    "maximum": _is_number,
    "exclusiveMinimum": _is_number,
    "exclusiveMaximum": _is_number,
}


def check(schema: Mapping[str, Any], value: Any) -> list[str]:
    """Return what a value has that the schema does not allow, the first few sentences."""
    found: list[str] = []
    for problem in _check(schema, value, "the answer", DEPTH_MAX):
        found.append(problem)
        if len(found) >= FOUND_MAX:
            break
    return found


def _check(schema: Mapping[str, Any], value: Any, where: str, depth: int) -> Iterator[str]:
    if depth <= 0:
        yield f"{where} is nested too deep"
        return
    names = schema.get("type", [])
    wanted = names if isinstance(names, list) else [names]
    if wanted and not any(TYPES[name](value) for name in wanted):
        yield f"{where} must be of type {' or '.join(wanted)}"
        return
    if "enum" in schema and not any(_same(value, one) for one in schema["enum"]):
        yield f"{where} must be one of {', '.join(str(one) for one in schema['enum'])}"
    if "const" in schema and not _same(value, schema["const"]):
        yield f"{where} must be {schema['const']}"
    options = schema.get("anyOf")
    if options and not any(not list(_check(one, value, where, depth - 1)) for one in options):
        yield f"{where} fits none of the forms allowed"
    if isinstance(value, dict):
        yield from _check_object(schema, value, where, depth)
    elif isinstance(value, list):
        yield from _check_list(schema, value, where, depth)
    elif isinstance(value, str):
        yield from _check_text(schema, value, where)
    elif _is_number(value):
        yield from _check_number(schema, value, where)


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON does: true is not 1."""
    return isinstance(one, bool) is isinstance(other, bool) and one == other


def _check_object(
    schema: Mapping[str, Any], value: dict[str, Any], where: str, depth: int
) -> Iterator[str]:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where} lacks `{name}`"
    for name, item in value.items():
        if name in known:
            yield from _check(known[name], item, f"`{name}`", depth - 1)
        elif schema.get("additionalProperties") is False:
            yield f"{where} has a member that is not known"


def _check_list(
    schema: Mapping[str, Any], value: list[Any], where: str, depth: int
) -> Iterator[str]:
    yield from _check_size(schema, len(value), where, "minItems", "maxItems")
    items = schema.get("items")
    if items is not None:
        for place, item in enumerate(value):
            yield from _check(items, item, f"{where}[{place}]", depth - 1)


def _check_text(schema: Mapping[str, Any], value: str, where: str) -> Iterator[str]:
    yield from _check_size(schema, len(value), where, "minLength", "maxLength")
    if "pattern" in schema and not _fits(schema["pattern"], value):
        yield f"{where} does not fit the pattern {schema['pattern']}"


def _fits(pattern: str, text: str) -> bool:
    return bool(_compiled(pattern).search(text.encode("utf-8", "surrogatepass")))


def _check_size(
    schema: Mapping[str, Any], size: int, where: str, least: str, most: str
) -> Iterator[str]:
    if size < schema.get(least, 0):
        yield f"{where} is shorter than {schema[least]}"
    if most in schema and size > schema[most]:
        yield f"{where} is longer than {schema[most]}"


_BOUNDS: Mapping[str, tuple[Callable[[Any, Any], bool], str]] = {
    "minimum": (lambda value, bound: value >= bound, "at least"),
    "maximum": (lambda value, bound: value <= bound, "at most"),
    "exclusiveMinimum": (lambda value, bound: value > bound, "more than"),
    "exclusiveMaximum": (lambda value, bound: value < bound, "less than"),
}


def _check_number(schema: Mapping[str, Any], value: float, where: str) -> Iterator[str]:
    for keyword, (holds, words) in _BOUNDS.items():
        if keyword in schema and not holds(value, schema[keyword]):
            yield f"{where} must be {words} {schema[keyword]}"
