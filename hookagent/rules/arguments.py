"""The right side of an operator: from what TOML says to a checked, hashable argument.

Each operator has a kind of argument; `read` turns a TOML value into it or raises WrongArgument,
`operand` does the same for a value met in an event (`{ field = "…" }`), where a wrong one is just
not comparable.
"""

import ipaddress
import math
import re
from collections.abc import Callable, Hashable, Mapping
from datetime import date, datetime, time
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec

from hookagent.errors import did_you_mean
from hookagent.eventfile import parse_time
from hookagent.located import describe, parse_duration
from hookagent.lookup import MISSING
from hookagent.rules.model import atom
from hookagent.rules.patterns import WrongPattern, compiled, glob_program

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Kind(StrEnum):
    """The forms an argument can have; the value is how the documentation names them."""

    SCALAR = "text, number, true or false"
    SCALARS = "a list of them"
    TEXTS = "text or a list of texts"
    GLOBS = "a glob or a list of globs"
    REGEXES = "an RE2 expression or a list of them"
    ORDERED = "a number or text"
    PAIR = "[lowest, highest], both numbers or both texts"
    NETWORKS = "an address range or a list of them"
    MOMENT = "an RFC 3339 time, or now with + or - a duration"
    FLAG = "true or false"
    TYPES = "a type's name or a list of them"
    CLAUSE = "a literal, a list, or a table of operators"
    ITEM = "a literal, a list, a table of operators, or a table of paths into the element"
    LENGTH = "a whole number or a table of number operators"
    CHANGE = "true, false, or the path of the former value"


class WrongArgument(ValueError):
    """An argument its operator cannot use; the hint says what it can."""

    def __init__(self, message: str, hint: str | None = None, code: str = "wrong-argument") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


class Moment(msgspec.Struct, frozen=True):
    """A point in time: fixed, or relative to when the event arrived."""

    is_relative: bool
    ms: int
    """Unix milliseconds, or the distance from the event's arrival."""

    def resolve(self, now: int) -> int:
        """Return Unix milliseconds."""
        return now + self.ms if self.is_relative else self.ms


def read(kind: Kind, value: Any, *, is_folded: bool = False) -> Hashable:
    """Read a TOML value as an argument of a kind. Raises WrongArgument."""
    argument = _READERS[kind](value)
    return fold(argument) if is_folded and kind is not Kind.REGEXES else argument


def fold(argument: Any) -> Any:
    """Fold the case of the texts in an argument, as Unicode says (ß is ss)."""
    if isinstance(argument, str):
        return argument.casefold()
    if isinstance(argument, tuple):
        return tuple(fold(part) for part in argument)
    if isinstance(argument, frozenset):
        return frozenset(fold(part) for part in argument)
    return argument


def operand(kind: Kind, value: Any) -> Any:
    """Turn a value of an event into an argument, MISSING where it cannot be one."""
    if kind in {Kind.SCALAR, Kind.SCALARS}:
        if isinstance(value, dict | list):
            return MISSING
        return atom(value) if kind is Kind.SCALAR else frozenset({atom(value)})
    if kind is Kind.TEXTS:
        return (value,) if isinstance(value, str) else MISSING
    if kind is Kind.ORDERED:
        is_ordered = isinstance(value, str | int | float) and not isinstance(value, bool)
        return value if is_ordered else MISSING
    if kind is Kind.MOMENT:
        ms = moment_ms(value)
        return MISSING if ms is None else Moment(is_relative=False, ms=ms)
    return MISSING


TAKES_FIELD = frozenset({Kind.SCALAR, Kind.SCALARS, Kind.TEXTS, Kind.ORDERED, Kind.MOMENT})
"""Kinds whose argument may be `{ field = "…" }`."""


def _scalar(value: Any) -> Hashable:
    if isinstance(value, list | dict):
        hint = "any of a list: `in = […]`" if isinstance(value, list) else None
        raise WrongArgument(
            f"it must be text, a number, true or false, not {describe(value)}", hint
        )
    return literal(value)


def literal(value: Any) -> Hashable:
    """Read one literal. Raises WrongArgument for what JSON has no such value of."""
    if isinstance(value, datetime | date | time):
        raise WrongArgument(
            "JSON has no dates: compare with text, or use `before` and `after`",
            f'put it in quotes: "{value.isoformat()}"',
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise WrongArgument(f"JSON has no number `{value}`")
    return atom(value)  # type: ignore[no-any-return] # what is left is a scalar


def _scalars(value: Any) -> Hashable:
    listed = _list(value, "a list")
    return frozenset(_scalar(part) for part in listed)


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise WrongArgument(f"it must be {what}, not {describe(value)}")
    if not value:
        raise WrongArgument("the list is empty, so nothing can match", "remove the condition")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else _list(value, "text or a list of texts")
    for part in listed:
        if not isinstance(part, str):
            raise WrongArgument(f"it must be text or a list of texts, not {describe(part)}")
        if not part:
            raise WrongArgument(
                "the empty text matches everything", "did you mean `exists = true`?"
            )
    return tuple(dict.fromkeys(listed))


def _globs(value: Any) -> Hashable:
    return _checked(_texts(value), glob_program, "glob")


def _regexes(value: Any) -> Hashable:
    return _checked(_texts(value), compiled, "regular expression")


def _checked(patterns: tuple[str, ...], check: Callable[[str], Any], what: str) -> tuple[str, ...]:
    for pattern in patterns:
        try:
            check(pattern)
        except WrongPattern as error:
            raise WrongArgument(
                f"`{pattern}` is not a {what} we can run: {error}",
                RE2_HINT if what != "glob" else "put a backslash before a literal `[`, `*` or `?`",
                "wrong-pattern",
            ) from None
    return patterns


RE2_HINT = (
    "expressions are RE2: no lookaround, no backreferences; "
    "in TOML, single quotes keep backslashes as they are"
)


def _ordered(value: Any) -> Hashable:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        hint = "`before` and `after` compare times" if isinstance(value, date) else None
        raise WrongArgument(f"it must be a number or text, not {describe(value)}", hint)
    return literal(value)


PAIR_LENGTH = 2


def _pair(value: Any) -> Hashable:
    listed = _list(value, "[lowest, highest]")
    if len(listed) != PAIR_LENGTH:
        raise WrongArgument(f"it must be [lowest, highest], not {len(listed)} values")
    low, high = (_ordered(part) for part in listed)
    if isinstance(low, str) != isinstance(high, str):
        raise WrongArgument("both must be numbers or both texts")
    if low > high:  # type: ignore[operator] # both of one kind, see above
        raise WrongArgument(
            "the first is greater than the second, so nothing can match", "the lowest comes first"
        )
    return (low, high)


def _networks(value: Any) -> Hashable:
    texts = _texts(value)
    for text in texts:
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            raise WrongArgument(
                f"`{text}` is not an address range: {error}", _net_hint(text)
            ) from None
    return tuple(str(ipaddress.ip_network(text)) for text in texts)


def _net_hint(text: str) -> str | None:
    try:
        return f'write "{ipaddress.ip_network(text, strict=False)}"'
    except ValueError:
        return 'such as "192.0.2.0/24" or "2001:db8::/32"'


@lru_cache(maxsize=4_096)
def network(text: str) -> Network:
    """Return the range of a text that was checked when the rule was read."""
    return ipaddress.ip_network(text)


_NOW = re.compile(r"now(?:\s*([+-])\s*(.+))?")
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s?(?:[Zz]|UTC|[+-]\d\d:?\d\d)?)?",
)


def _moment(value: Any) -> Hashable:
    if isinstance(value, datetime):
        return Moment(is_relative=False, ms=parse_time(value.isoformat()))
    if isinstance(value, date):
        return Moment(is_relative=False, ms=parse_time(f"{value.isoformat()}T00:00:00"))
    if isinstance(value, str):
        found = _NOW.fullmatch(value.strip())
        if found:
            distance = parse_duration(found.group(2)) if found.group(2) else 0
            if distance is not None:
                return Moment(is_relative=True, ms=-distance if found.group(1) == "-" else distance)
        elif (ms := moment_ms(value)) is not None:
            return Moment(is_relative=False, ms=ms)
    raise WrongArgument(
        f"it must be a time, not {describe(value) if not isinstance(value, str) else f'`{value}`'}",
        'such as "2026-01-31T12:00:00Z", "now", "now+3d" or "now-90m"',
    )


SECONDS_MAX = 100_000_000_000
"""Numbers from here on are Unix milliseconds, below it seconds (which would be the year 5138)."""


def moment_ms(value: Any) -> int | None:
    """Read a time met in a payload: RFC 3339 text, Unix seconds or milliseconds."""
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, int | float):
        return round(value if abs(value) >= SECONDS_MAX else value * 1000)
    if isinstance(value, str) and len(value) <= TIME_LENGTH_MAX and _RFC3339.fullmatch(value):
        try:
            return parse_time(re.sub(r"\s?(?:[Zz]|UTC)$", "+00:00", value.replace("t", "T")))
        except (ValueError, OverflowError):
            return None
    return None


TIME_LENGTH_MAX = 40
"""The longest RFC 3339 text with nanoseconds is shorter."""


def _flag(value: Any) -> Hashable:
    if not isinstance(value, bool):
        raise WrongArgument(f"it must be true or false, not {describe(value)}")
    return value


TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool))
        or (isinstance(value, float) and value.is_integer())
    ),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
"""JSON's types by name; `integer` is a number without a fraction, as in JSON Schema."""


def _types(value: Any) -> Hashable:
    names = _texts(value)
    for name in names:
        if name not in TYPES:
            raise WrongArgument(f"`{name}` is not a type", did_you_mean(name, TYPES))
    return names


_READERS: Mapping[Kind, Callable[[Any], Hashable]] = {
    Kind.SCALAR: _scalar,
    Kind.SCALARS: _scalars,
    Kind.TEXTS: _texts,
    Kind.GLOBS: _globs,
    Kind.REGEXES: _regexes,
    Kind.ORDERED: _ordered,
    Kind.PAIR: _pair,
    Kind.NETWORKS: _networks,
    Kind.MOMENT: _moment,
    Kind.FLAG: _flag,
    Kind.TYPES: _types,
}
