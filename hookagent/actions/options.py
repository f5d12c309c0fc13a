"""Reading an action's options from its one declaration, with every problem at once.

Options are declared as a msgspec Struct whose fields carry their description:

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        text: Annotated[Text, msgspec.Meta(description="What to say.")]

Field types are plain ones (`str`, `int`, `bool`, `Literal`, lists, dicts, further Structs) and
those of `values`, which know templates, URLs and secrets. `${NAME}` in any text is put in when a
step is bound to an environment; while a file is only checked, names stay names.
"""

import functools
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from hookagent.actions.reading import Reader, Where
from hookagent.actions.values import Value
from hookagent.environment import Environment
from hookagent.errors import ConfigError, Problem, did_you_mean
from hookagent.located import Table, describe

S = TypeVar("S", bound=msgspec.Struct)


def check(options: type[msgspec.Struct], table: Table, environment: Environment | None) -> None:
    """Report every problem of a step's options at its place; unknown keys are left to `finish`."""
    reader = Reader(environment)
    known = _names(options)
    table.know(known)
    given = {name: value for name, value in table.data.items() if name in known}
    read(options, given, (), reader)
    for found in reader.found:
        is_key = found.code == "unknown-key"
        table.report(found.code, found.message, at=found.where, hint=found.hint, on_key=is_key)


def bind(options: type[S], data: Mapping[str, Any], environment: Environment, *, what: str) -> S:
    """Read options once more with the variables put in. Raises ConfigError with every problem."""
    reader = Reader(environment)
    made = read(options, data, (), reader)
    if made is None or reader.found:
        raise ConfigError(
            [
                Problem(code=found.code, message=f"{what}: {found.message}", hint=found.hint)
                for found in reader.found
            ],
        )
    return made


def read(options: type[S], data: Any, where: Where, reader: Reader) -> S | None:
    """Read a table into a Struct; None after reporting what is wrong with it."""
    if not isinstance(data, Mapping):
        reader.report("wrong-type", f"must be a table, not {describe(data)}", where)
        return None
    before = len(reader.found)
    hints = _hints(options)
    values: dict[str, Any] = {}
    for field in _declared(options):
        here = (*where, field.name)
        if field.name in data:
            values[field.name] = _convert(hints[field.name], data[field.name], here, reader)
        elif field.required:
            reader.report("missing-key", f"`{field.name}` is missing", where)
    known = _names(options)
    for name in data:
        if name not in known:
            hint = did_you_mean(name, known)
            reader.report("unknown-key", f"unknown key `{name}`", (*where, name), hint=hint)
    if len(reader.found) > before:
        return None
    try:
        return options(**values)
    except ValueError as error:  # a `__post_init__` that finds options which do not go together
        reader.report("wrong-options", str(error), where)
        return None


@functools.cache
def _declared(options: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """Return the fields of a declaration: read once, since ten thousand steps may share it."""
    return msgspec.structs.fields(options)


@functools.cache
def _names(options: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(field.name for field in _declared(options))


@functools.cache
def _hints(options: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(options, include_extras=True)


def _convert(kind: Any, value: Any, where: Where, reader: Reader) -> Any:
    """Read one value as its declared type, going into lists and tables item by item."""
    bare = _bare(kind)
    origin = get_origin(bare)
    if origin in (list, dict):
        return _convert_many(bare, value, where, reader)
    if isinstance(bare, type) and issubclass(bare, Value):
        return bare.read(value, where, reader)
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        return read(bare, value, where, reader)
    if isinstance(value, str) and (bare is str or origin is Literal):
        value = reader.expand(value, where)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        reader.report("wrong-type", _said(where, kind, value, str(error)), where)
        return None


def _bare(kind: Any) -> Any:
    """Take off `Annotated` and `| None`: TOML has no null."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, types.UnionType):
        others = [option for option in get_args(kind) if option is not type(None)]
        if len(others) == 1:
            return _bare(others[0])
        return Union[tuple(others)]  # noqa: UP007 - made at run time
    return kind


def _convert_many(kind: Any, value: Any, where: Where, reader: Reader) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if not isinstance(value, origin):
        wanted = "a list" if origin is list else "a table"
        reader.report(
            "wrong-type", f"{_name(where)} must be {wanted}, not {describe(value)}", where
        )
        return None
    if isinstance(value, list):
        return [
            _convert(arguments[0], item, (*where, place), reader)
            for place, item in enumerate(value)
        ]
    return {
        name: _convert(arguments[1], item, (*where, name), reader) for name, item in value.items()
    }


def _name(where: Where) -> str:
    return f"`{'.'.join(str(step) for step in where)}`"


def _said(where: Where, kind: Any, value: Any, error: str) -> str:
    """Say msgspec's complaint in our words."""
    bare = _bare(kind)
    if get_origin(bare) is Literal:
        known = ", ".join(f"`{word}`" for word in get_args(bare))
        return f"{_name(where)} cannot be `{value}`; known: {known}"
    named = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}
    if bare in named and not isinstance(value, bare):
        return f"{_name(where)} must be {named[bare]}, not {describe(value)}"
    return f"{_name(where)}: {error[:1].lower()}{error[1:]}"
