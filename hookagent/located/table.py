"""Reads one table key by key and reports everything that is wrong with it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from hookagent.errors import Problem, Severity, did_you_mean
from hookagent.located.document import Document
from hookagent.located.places import Where

T = TypeVar("T")


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

    def know(self, keys: Iterable[str]) -> None:
        """Mark keys as known without looking at them."""
        self._asked.update(keys)

    def take(self, key: str, kind: type[T], default: T, *, what: str) -> T:
        """Return a value of one type; anything else is a problem. A bool is never an int."""
        self._asked.add(key)
        if key not in self.data:
            return default
        value = self.data[key]
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
        if isinstance(value, list):
            wrong = next((at for at, item in enumerate(value) if not isinstance(item, str)), None)
            if wrong is None:
                return tuple(value)
            message = f"`{key}` holds strings, not {describe(value[wrong])}"
            self.report("wrong-type", message, at=(key, wrong))
            return tuple(default)
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
