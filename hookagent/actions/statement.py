"""Named parameters in SQL: `:name`, found outside strings, identifiers and comments.

SQLite takes `:name` as it is; PostgreSQL's driver wants `%(name)s`. `::type` is a cast, and `:=`
nothing of ours.
"""

import re
from dataclasses import dataclass

_PIECE = re.compile(
    r"""
      (?P<quoted> '(?:[^']|'')*' | "(?:[^"]|"")*" | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ )
    | (?P<comment> --[^\n]* | /\*.*?\*/ )
    | (?P<cast> :: )
    | :(?P<name> [A-Za-z_]\w* )
    | (?P<end> ; )
    | (?P<open> ['"] | /\* )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)


class StatementError(ValueError):
    """A statement that is not one statement."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement in both forms, and the parameters it names."""

    for_sqlite: str
    for_postgres: str
    names: tuple[str, ...]
    """Each once, in the order they appear first."""


def parse_statement(text: str) -> Statement:
    """Find the parameters. Raises StatementError for several statements or an open quote."""
    names: list[str] = []
    postgres = ""
    position = 0
    for found in _PIECE.finditer(text):
        between = text[position : found.start()]
        postgres += between.replace("%", "%%")
        position = found.end()
        if found["open"]:
            raise StatementError("a quote or comment in the statement is not closed")
        if found["end"] and text[position:].strip():
            raise StatementError("`statement` is one statement; use a step for each")
        if found["name"]:
            names.append(found["name"])
            postgres += f"%({found['name']})s"
        else:
            postgres += found[0].replace("%", "%%")
    postgres += text[position:].replace("%", "%%")
    if not text.strip(" \t\n;"):
        raise StatementError("`statement` is empty")
    return Statement(text, postgres, tuple(dict.fromkeys(names)))
