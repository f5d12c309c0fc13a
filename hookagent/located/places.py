"""Where each key and value of a valid TOML text stands, found by walking it once more.

Rule sets have tens of thousands of lines, and each rule remembers its own: the walk goes by regular
expressions rather than by characters, and a line is counted when it is asked for.
"""

import re
import tomllib
from bisect import bisect_right

Where = tuple[str | int, ...]
"""A way into the document: keys as `str`, elements of arrays as `int`."""

_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"[ \t\n]*(?:#[^\n]*[ \t\n]*)*")
"""Spaces, line ends and comments."""
_NAME = re.compile(r"""[ \t]*(?:([\w-]+)|"([^"\\\n]*)"|'([^'\n]*)'|("[^\n]*))[ \t]*""")
"""One part of a dotted key: bare, quoted, or quoted with escapes in it."""
_BASIC = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BASIC_LINES = re.compile(r'"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"{3,5}', re.DOTALL)
_LITERAL = re.compile(r"'[^']*'")
_LITERAL_LINES = re.compile(r"'''.*?'{3,5}", re.DOTALL)
_SIMPLE = re.compile(
    r"""([\w-]+|"[^"\\\n]*")[ \t]*=[ \t]*("(?!"")[^"\\\n]*"|\w[^"'\[\]{},#\n]*)?"""
)
"""What most lines are: a name, and a short text or plain value where there is one."""
_PLAIN = re.compile(r"[^,\]}#\n]*")
"""A number, a truth value, a date."""


class Places:
    """Walks TOML that is known to be valid and notes where each key and value begins."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._keys: dict[Where, int] = {}
        self._values: dict[Where, int] = {}
        self._at = 0
        self._arrays: dict[Where, int] = {}
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        """Where each line begins."""
        self._walk()

    def of_key(self, where: Where) -> tuple[int, int] | None:
        """Return line and column, from 1, of a key, None where there is none."""
        return self._place(self._keys.get(where))

    def of_value(self, where: Where) -> tuple[int, int] | None:
        """Return line and column, from 1, of a value, None where none is written."""
        return self._place(self._values.get(where))

    def has_value(self, where: Where) -> bool:
        """Whether a value is written there."""
        return where in self._values

    def _place(self, position: int | None) -> tuple[int, int] | None:
        if position is None:
            return None
        line = bisect_right(self._lines, position)
        return line, position - self._lines[line - 1] + 1

    def _skip(self, blank: re.Pattern[str]) -> None:
        found = blank.match(self._text, self._at)
        assert found is not None
        self._at = found.end()

    def _walk(self) -> None:
        table: Where = ()
        while True:
            self._skip(_BLANK)
            if self._at >= len(self._text):
                return
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._assignment(table)

    def _header(self) -> Where:
        """Read `[a.b]` or `[[a.b]]`; return the way to the table it opens."""
        here = self._at
        width = 2 if self._text.startswith("[[", here) else 1
        self._at += width
        names = [name for name, _ in self._key()]
        self._at += width
        where: Where = ()
        for name in names[:-1]:
            self._keys.setdefault((*where, name), here)
            where = self._into(where, name)
        where = (*where, names[-1])
        self._keys.setdefault(where, here)
        if width > 1:
            place = self._arrays.get(where, -1) + 1
            self._arrays[where] = place
            where = (*where, place)
            self._keys.setdefault(where, here)
        return where

    def _into(self, where: Where, name: str) -> Where:
        """Step into a table, and into its last element where it is an array of tables."""
        inner = (*where, name)
        return (*inner, self._arrays[inner]) if inner in self._arrays else inner

    def _key(self) -> list[tuple[str, int]]:
        """Read a dotted key; return its parts and where they begin."""
        parts = []
        while True:
            found = _NAME.match(self._text, self._at)
            assert found is not None
            bare, basic, literal, escaped = found.groups()
            self._at = found.end()
            if escaped is None:
                name = bare or basic or literal or ""
            else:
                name = self._unquoted(found.start(4))
            is_quoted = bare is None and escaped is None
            parts.append((name, found.start(found.lastindex or 0) - is_quoted))
            if self._text[self._at] != ".":
                return parts
            self._at += 1

    def _unquoted(self, start: int) -> str:
        """Read a quoted name with escapes in it."""
        quoted = _BASIC.match(self._text, start)
        assert quoted is not None
        self._at = quoted.end()
        self._skip(_SPACE)
        return next(iter(tomllib.loads(f"{quoted.group()} = 0")))

    def _assignment(self, table: Where) -> None:
        simple = _SIMPLE.match(self._text, self._at)
        if simple is not None:
            name = simple[1]
            where = (*table, name[1:-1] if name[0] == '"' else name)
            self._keys.setdefault(where, self._at)
            self._at = simple.end()
            if simple[2] is None:
                self._value(where)
            else:
                self._values[where] = simple.start(2)
            return
        where = table
        for name, here in self._key():
            where = (*where, name)
            self._keys.setdefault(where, here)
        self._at += 1  # the `=`
        self._skip(_SPACE)
        self._value(where)

    def _value(self, where: Where) -> None:
        self._values[where] = self._at
        opener = self._text[self._at]
        if opener in "\"'":
            self._string(opener)
        elif opener == "[":
            self._list(where)
        elif opener == "{":
            self._inline(where)
        else:
            self._skip(_PLAIN)

    def _list(self, where: Where) -> None:
        self._at += 1
        place = 0
        while True:
            self._skip(_BLANK)
            character = self._text[self._at]
            if character == "]":
                self._at += 1
                return
            if character == ",":
                self._at += 1
                continue
            self._value((*where, place))
            place += 1

    def _inline(self, where: Where) -> None:
        self._at += 1
        while True:
            self._skip(_BLANK)
            character = self._text[self._at]
            if character == "}":
                self._at += 1
                return
            if character == ",":
                self._at += 1
                continue
            self._assignment(where)

    def _string(self, quote: str) -> None:
        """Skip a string of any of TOML's four kinds."""
        has_lines = self._text.startswith(quote * 3, self._at)
        if quote == '"':
            self._skip(_BASIC_LINES if has_lines else _BASIC)
        else:
            self._skip(_LITERAL_LINES if has_lines else _LITERAL)
