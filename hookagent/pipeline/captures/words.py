"""Takes a shell text apart into words as POSIX shells do, and bash with `$'…'`; runs nothing.

A variable, a command substitution, a pipe or a redirection is refused: what they stand for is not
in the text.
"""

import re

from hookagent.errors import UsageError

_ESCAPES = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b",
    "E": "\x1b", "\\": "\\", "'": "'", '"': '"', "?": "?",
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|(.))", re.DOTALL
)
SPECIAL = "|&;<>()`$"


def commands(text: str, name: str) -> list[list[bytes]]:
    """Return the words of each command. Raises UsageError for what only a shell could say."""
    reader = _Reader(text.replace("\r\n", "\n"), name)
    return [words for words in reader.commands() if words]


class _Reader:
    """Reads one text."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.place = 0

    def commands(self) -> list[list[bytes]]:
        """Read everything."""
        found: list[list[bytes]] = [[]]
        while self.place < len(self.text):
            character = self.text[self.place]
            if character == "\n":
                self.place += 1
                found.append([])
            elif character in " \t":
                self.place += 1
            elif self.text.startswith("\\\n", self.place):
                self.place += 2
            elif character == "#":
                end = self.text.find("\n", self.place)
                self.place = len(self.text) if end < 0 else end
            else:
                found[-1].append(self._word(is_first=not found[-1]))
        return found

    def _word(self, *, is_first: bool) -> bytes:
        parts: list[bytes] = []
        while self.place < len(self.text):
            character = self.text[self.place]
            if character in " \t\n":
                break
            if character == "'":
                parts.append(self._until("'", 1).encode())
            elif character == '"':
                parts.append(self._double().encode())
            elif self.text.startswith("$'", self.place):
                parts.append(self._ansi())
            elif character == "\\":
                parts.append(self._escaped())
            elif character in SPECIAL and not (is_first and self._is_prompt(parts)):
                raise UsageError(
                    f"{self.name} has `{character}`, which only a shell understands",
                    hint="put the text in single quotes",
                )
            else:
                parts.append(character.encode("utf-8", "surrogateescape"))
                self.place += 1
        return b"".join(parts)

    def _is_prompt(self, parts: list[bytes]) -> bool:
        """Whether this is the prompt that was copied along with a command."""
        return not parts and self.text[self.place : self.place + 2] in {"$ ", "> "}

    def _until(self, quote: str, skip: int) -> str:
        start = self.place + skip
        end = self.text.find(quote, start)
        if end < 0:
            raise UsageError(f"{self.name} has a quote that does not end")
        self.place = end + 1
        return self.text[start:end]

    def _escaped(self) -> bytes:
        following = self.text[self.place + 1 : self.place + 2]
        self.place += 2
        return b"" if following == "\n" else following.encode()

    def _double(self) -> str:
        self.place += 1
        parts = []
        while self.place < len(self.text) and self.text[self.place] != '"':
            character = self.text[self.place]
            following = self.text[self.place + 1 : self.place + 2]
            if character == "\\" and following and following in '"\\$`\n':
                parts.append("" if following == "\n" else following)
                self.place += 2
            elif character in "$`":
                raise UsageError(f"{self.name} has `{character}` in double quotes")
            else:
                parts.append(character)
                self.place += 1
        if self.place >= len(self.text):
            raise UsageError(f"{self.name} has a quote that does not end")
        self.place += 1
        return "".join(parts)

    def _ansi(self) -> bytes:
        r"""Read `$'…'`: `\xNN` is a byte, `\uNNNN` a character."""
        found = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL).match(self.text, self.place)
        if found is None:
            raise UsageError(f"{self.name} has a quote that does not end")
        self.place = found.end()
        parts, last, inner = [], 0, found[1]
        for escape in _ESCAPE.finditer(inner):
            parts.append(inner[last : escape.start()].encode("utf-8", "surrogateescape"))
            parts.append(_byte(escape))
            last = escape.end()
        return b"".join([*parts, inner[last:].encode("utf-8", "surrogateescape")])


def _byte(escape: re.Match[str]) -> bytes:
    two, four, eight, octal, other = escape.groups()
    if two:
        return bytes([int(two, 16)])
    if octal:
        return bytes([int(octal, 8) & 0xFF])
    if four or eight:
        code = int(four or eight, 16)
        return chr(code).encode("utf-8", "replace") if code < 0x110000 else b"?"  # noqa: PLR2004 - the last code point
    return _ESCAPES.get(other, f"\\{other}").encode()
