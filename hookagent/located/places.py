"""Where each key and value of a valid TOML text stands, found by walking it once more."""

import re
import tomllib

Where = tuple[str | int, ...]
"""A way into the document: keys as `str`, elements of arrays as `int`."""


class Places:
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
            where = (*where, place)
            self.keys.setdefault(where, here)
        return where

    def _into(self, where: Where, name: str) -> Where:
        """Step into a table, and into its last element where it is an array of tables."""
        inner = (*where, name)
        return (*inner, self._arrays[inner]) if inner in self._arrays else inner

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
