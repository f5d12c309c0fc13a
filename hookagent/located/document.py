"""One TOML file, parsed by `tomllib`, with the place of everything in it."""

import re
import tomllib
from typing import Any

from hookagent.errors import ConfigError, Problem
from hookagent.located.places import Places, Where

__all__ = ["Document", "Where", "parse"]


class Document:
    """One parsed TOML file with the place of each key and value."""

    def __init__(self, data: dict[str, Any], file: str, places: Places) -> None:
        self.data = data
        self.file = file
        self._places = places

    def place_of_key(self, where: Where) -> tuple[int, int]:
        """Line and column, from 1, of a key (or of the nearest table around it)."""
        for length in range(len(where), 0, -1):
            place = self._places.of_key(where[:length])
            if place:
                return place
        return (1, 1)

    def place_of_value(self, where: Where) -> tuple[int, int]:
        """Line and column, from 1, of a value (or of the nearest table around it)."""
        return self._places.of_value(where) or self.place_of_key(where)

    def is_written(self, where: Where) -> bool:
        """Whether a value stands there by itself, rather than being made by dotted keys."""
        return self._places.has_value(where)


_SYNTAX_PLACE = re.compile(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)


def parse(text: str, file: str) -> Document:
    """Parse TOML. Raises ConfigError with the place of a syntax error."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        return Document(tomllib.loads(text), file, Places(text))
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
