"""TOML whose every key and value knows its line and column, and a reader that reports all problems.

`tomllib` gives a place for syntax errors only. `parse` lets it judge the text and then walks the
same text once more to note where each key and value stands, so that a wrong value in a valid file
is answered with file, line and column as well. `Table` is how configuration, rules and schemes are
read: ask it for each known key, then `finish()`, which names every key nobody asked for.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from hookagent.errors import ConfigError, Problem, Severity, did_you_mean

Where = tuple[str | int, ...]
"""A way into the document: keys as `str`, elements of arrays as `int`."""

T = TypeVar("T")


class Document:
    """One parsed TOML file with the place of each key and value."""

    def __init__(self, data: dict[str, Any], file: str, places: "_Places") -> None:
        self.data = data
        self.file = file
        self._places = places

    def place_of_key(self, where: Where) -> tuple[int, int]:
        """Line and column, from 1, of a key (or of the nearest table around it)."""
        return self._nearest(self._places.keys, where)

    def place_of_value(self, where: Where) -> tuple[int, int]:
        """Line and column, from 1, of a value (or of the nearest table around it)."""
        place = self._places.values.get(where)
        return place or self.place_of_key(where)

    def is_written(self, where: Where) -> bool:
        """Whether a value stands there by itself, rather than being made by dotted keys."""
        return where in self._places.values

    @staticmethod
    def _nearest(places: dict[Where, tuple[int, int]], where: Where) -> tuple[int, int]:
        for length in range(len(where), 0, -1):
            place = places.get(where[:length])
            if place:
                return place
        return (1, 1)


_SYNTAX_PLACE = re.compile(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)


def parse(text: str, file: str) -> Document:
    """Parse TOML. Raises ConfigError with the place of a syntax error."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        return Document(tomllib.loads(text), file, _Places(text))
    except (ValueError, RecursionError) as error:  # also a number of more digits than int takes
        raise ConfigError([_syntax_problem(text, file, str(error))]) from None


def _syntax_problem(text: str, file: str, message: str) -> Problem:
    found = _SYNTAX_PLACE.match(message)
    if not found:
        return Problem(code="toml-syntax", message=message, file=file, line=1, column=1)
    reason, line, column = found.groups()
    lines = text.splitlines() or [""]
    at_end = line is None
    return Problem(
        code="toml-syntax",
        message=f"not TOML: {reason[:1].lower()}{reason[1:]}",
        file=file,
        line=len(lines) if at_end else int(line),
        column=len(lines[-1]) + 1 if at_end else int(column),
        hint=_SYNTAX_HINTS.get(reason.partition(":")[0].partition(" (")[0]),
    )


_SYNTAX_HINTS = {
    "Cannot overwrite a value": "this key is already set above",
    "Invalid value": 'text needs quotes: key = "text"',
    "Unterminated string": "close the string with the quote that opened it",
    "Illegal character '\\n'": 'close the string on its line, or use """ for several lines',
}


class Table:
    """Reads one table key by key and collects every problem with its place.

    A getter returns the default after reporting a problem, so that reading goes on to the end.
    """

    def __init__(
        self,
        document: Document,
        where: Where,
        data: dict[str, Any],
        problems: list[Problem],
    ) -> None:
        self.document = document
        self.where = where
        self.data = data
        self.problems = problems
        self._asked: set[str] = set()

    @classmethod
    def root(cls, document: Document, problems: list[Problem]) -> "Table":
        """Return a reader of the whole document."""
        return cls(document, (), document.data, problems)

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def report(  # noqa: PLR0913 - a problem has that many parts
        self,
        code: str,
        message: str,
        *,
        key: str | int | None = None,
        at: Where | None = None,
        hint: str | None = None,
        severity: Severity = Severity.ERROR,
        on_key: bool = False,
    ) -> None:
        """Note a problem at a key's value, at the key itself, or at a way below this table."""
        below: Where = at if at is not None else (() if key is None else (key,))
        where = (*self.where, *below)
        find = self.document.place_of_key if on_key else self.document.place_of_value
        line, column = find(where)
        self.problems.append(
            Problem(
                code=code,
                message=message,
                file=self.document.file,
                line=line,
                column=column,
                hint=hint,
                severity=severity,
            ),
        )

    def raw(self, key: str, default: Any = None) -> Any:
        """Return a value of any type, and mark the key as known."""
        self._asked.add(key)
        return self.data.get(key, default)

    def take(self, key: str, kind: type[T], default: T, *, what: str) -> T:
        """Return a value of one type; anything else is a problem. A bool is never an int."""
        value = self.raw(key, default)
        if key not in self.data:
            return default
        if isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool):
            return value
        self.report("wrong-type", f"`{key}` must be {what}, not {describe(value)}", key=key)
        return default

    def text(self, key: str, default: str = "", *, required: bool = False) -> str:
        """Return a string."""
        if required and key not in self.data:
            self._asked.add(key)
            self.report("missing-key", f"`{key}` is missing", hint=f'add: {key} = "…"')
        return self.take(key, str, default, what="a string")

    def integer(self, key: str, default: int, *, least: int = 0, most: int | None = None) -> int:
        """Return a whole number within bounds."""
        value = self.take(key, int, default, what="a whole number")
        if value < least or (most is not None and value > most):
            bounds = f"at least {least}" if most is None else f"from {least} to {most}"
            self.report("out-of-range", f"`{key}` must be {bounds}, not {value}", key=key)
            return default
        return value

    def boolean(self, key: str, *, default: bool = False) -> bool:
        """Return true or false."""
        return self.take(key, bool, default, what="true or false")

    def choice(self, key: str, default: str, known: Iterable[str]) -> str:
        """Return one of the known words."""
        value = self.text(key, default)
        names = tuple(known)
        if value not in names and key in self.data:
            self.report(
                "unknown-value",
                f"`{key}` cannot be `{value}`",
                key=key,
                hint=did_you_mean(value, names) or "known: " + ", ".join(names),
            )
            return default
        return value

    def texts(self, key: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        """Return a string or a list of strings, as a tuple."""
        value = self.raw(key)
        if key not in self.data:
            return tuple(default)
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self.report(
            "wrong-type",
            f"`{key}` must be a string or a list of strings, not {describe(value)}",
            key=key,
        )
        return tuple(default)

    def table(self, key: str) -> "Table | None":
        """Return a reader of a table inside this one, or None where there is none."""
        value = self.raw(key)
        if key not in self.data:
            return None
        if isinstance(value, dict):
            return Table(self.document, (*self.where, key), value, self.problems)
        self.report("wrong-type", f"`{key}` must be a table, not {describe(value)}", key=key)
        return None

    def tables(self, key: str) -> "list[Table]":
        """Return readers of an array of tables; a single table counts as one."""
        value = self.raw(key)
        if key not in self.data:
            return []
        where = (*self.where, key)
        if isinstance(value, dict):
            return [Table(self.document, where, value, self.problems)]
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return [
                Table(self.document, (*where, place), item, self.problems)
                for place, item in enumerate(value)
            ]
        self.report(
            "wrong-type",
            f"`{key}` must be a list of tables, not {describe(value)}",
            key=key,
            hint=f"write [[{key}]] above each",
        )
        return []

    def named(self, key: str) -> "Iterator[tuple[str, Table]]":
        """Yield name and reader of each table in a table of tables, such as `[sources.NAME]`."""
        group = self.table(key)
        if group is None:
            return
        for name in group.data:
            inner = group.table(name)
            if inner is not None:
                yield name, inner

    def finish(self, *also_known: str) -> None:
        """Report every key that nobody asked for, with the nearest known one."""
        known = self._asked | set(also_known)
        for key in self.data:
            if key not in known:
                self.report(
                    "unknown-key",
                    f"unknown key `{key}`",
                    key=key,
                    hint=did_you_mean(key, known),
                    on_key=True,
                )


def describe(value: Any) -> str:
    """Name a TOML value's type for a message."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "a string"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time"


_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)")
_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def parse_duration(text: str) -> int | None:
    """Read `90s`, `1h30m`, `250ms`, `7d` into milliseconds; None where it is not a duration."""
    compact = text.strip()
    if not compact or _DURATION.sub("", compact).strip():
        return None
    return round(sum(float(n) * _UNIT_MS[unit] for n, unit in _DURATION.findall(compact)))


_SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*(B|kB|KB|KiB|MB|MiB|GB|GiB)?$")
_UNIT_BYTES = {
    None: 1, "B": 1, "kB": 1000, "KB": 1000, "KiB": 1024, "MB": 10**6, "MiB": 1024**2,
    "GB": 10**9, "GiB": 1024**3,
}  # fmt: skip


def parse_size(text: str) -> int | None:
    """Read `1 MiB`, `64 KiB`, `500` into bytes; None where it is not a size."""
    found = _SIZE.match(text.strip())
    return round(float(found.group(1)) * _UNIT_BYTES[found.group(2)]) if found else None


class _Places:
    """Walks TOML that is known to be valid and notes where each key and value begins."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.keys: dict[Where, tuple[int, int]] = {}
        self.values: dict[Where, tuple[int, int]] = {}
        self._at = 0
        self._line = 1
        self._line_start = 0
        self._arrays: dict[Where, int] = {}
        self._walk()

    def _here(self) -> tuple[int, int]:
        return self._line, self._at - self._line_start + 1

    def _to(self, position: int) -> None:
        """Move forward to a position, counting the lines passed."""
        passed = self.text.count("\n", self._at, position)
        if passed:
            self._line += passed
            self._line_start = self.text.rindex("\n", self._at, position) + 1
        self._at = position

    def _blank(self, *, lines: bool) -> None:
        """Skip spaces and comments, and line ends where they mean nothing."""
        text = self.text
        while self._at < len(text):
            character = text[self._at]
            if character in " \t" or (lines and character == "\n"):
                self._to(self._at + 1)
            elif character == "#":
                end = text.find("\n", self._at)
                self._to(len(text) if end < 0 else end)
            else:
                return

    def _walk(self) -> None:
        table: Where = ()
        while True:
            self._blank(lines=True)
            if self._at >= len(self.text):
                return
            if self.text[self._at] == "[":
                table = self._header()
            else:
                self._assignment(table)

    def _header(self) -> Where:
        """Read `[a.b]` or `[[a.b]]`; return the way to the table it opens."""
        is_array = self.text.startswith("[[", self._at)
        here = self._here()
        self._to(self._at + (2 if is_array else 1))
        names = self._key()
        self._to(self._at + (2 if is_array else 1))
        where: Where = ()
        for name, _ in names[:-1]:
            self.keys.setdefault((*where, name), here)
            where = self._into(where, name)
        where = (*where, names[-1][0])
        self.keys.setdefault(where, here)
        if is_array:
            place = self._arrays.get(where, -1) + 1
            self._arrays[where] = place
            self._forget_arrays_below((*where, place))
            where = (*where, place)
            self.keys.setdefault(where, here)
        return where

    def _into(self, where: Where, name: str) -> Where:
        """Step into a table, and into its last element where it is an array of tables."""
        inner = (*where, name)
        return (*inner, self._arrays[inner]) if inner in self._arrays else inner

    def _forget_arrays_below(self, where: Where) -> None:
        for known in [known for known in self._arrays if known[: len(where)] == where]:
            del self._arrays[known]

    def _key(self) -> list[tuple[str, tuple[int, int]]]:
        """Read a dotted key; return its parts with their places."""
        parts = []
        while True:
            self._blank(lines=False)
            here = self._here()
            start = self._at
            if self.text[start] in "\"'":
                self._string()
                parts.append((self._unquote(self.text[start : self._at]), here))
            else:
                end = start
                while self.text[end].isalnum() or self.text[end] in "_-":
                    end += 1
                self._to(end)
                parts.append((self.text[start:end], here))
            self._blank(lines=False)
            if self.text[self._at] != ".":
                return parts
            self._to(self._at + 1)

    @staticmethod
    def _unquote(quoted: str) -> str:
        return next(iter(tomllib.loads(f"{quoted} = 0")))

    def _assignment(self, table: Where) -> None:
        where = table
        for name, here in self._key():
            where = (*where, name)
            self.keys.setdefault(where, here)
        self._to(self._at + 1)  # the `=`
        self._blank(lines=False)
        self._value(where)

    def _value(self, where: Where) -> None:
        self.values[where] = self._here()
        opener = self.text[self._at]
        if opener in "\"'":
            self._string()
        elif opener == "[":
            self._list(where)
        elif opener == "{":
            self._inline(where)
        else:
            found = re.compile(r"[^,\]}#\n]*").match(self.text, self._at)
            assert found is not None
            self._to(found.end())

    def _list(self, where: Where) -> None:
        self._to(self._at + 1)
        place = 0
        while True:
            self._blank(lines=True)
            character = self.text[self._at]
            if character == "]":
                self._to(self._at + 1)
                return
            if character == ",":
                self._to(self._at + 1)
                continue
            self._value((*where, place))
            place += 1

    def _inline(self, where: Where) -> None:
        self._to(self._at + 1)
        while True:
            self._blank(lines=True)
            character = self.text[self._at]
            if character == "}":
                self._to(self._at + 1)
                return
            if character == ",":
                self._to(self._at + 1)
                continue
            self._assignment(where)

    def _string(self) -> None:
        """Skip a string of any of TOML's four kinds."""
        text = self.text
        quote = text[self._at]
        if text.startswith(quote * 3, self._at):
            end = self._close(quote * 3, self._at + 3)
            while text.startswith(quote, end):  # up to two quotes may touch the closing three
                end += 1
        else:
            end = self._close(quote, self._at + 1)
        self._to(end)

    def _close(self, quote: str, start: int) -> int:
        position = start
        while not self.text.startswith(quote, position):
            escaped = quote[0] == '"' and self.text[position] == "\\"
            position += 2 if escaped else 1
        return position + len(quote)
