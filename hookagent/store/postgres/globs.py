"""Globs as SQLite reads them, so that a filter means the same in both engines.

`*`, `?`, `[a-z]`, `[^a-z]`; a `]` that comes first in brackets is one of them; the case counts.
https://www.sqlite.org/lang_expr.html#glob
"""

import re

NOTHING = "(?!)"


def glob(pattern: str) -> "re.Pattern[str]":
    """Return a pattern whose `fullmatch` tells whether a text fits."""
    parts = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "*":
            parts.append(".*")
        elif character == "?":
            parts.append(".")
        elif character == "[":
            part, at = _brackets(pattern, at)
            parts.append(part)
        else:
            parts.append(re.escape(character))
    return re.compile("".join(parts), re.DOTALL)


def _brackets(pattern: str, at: int) -> tuple[str, int]:
    """Read what follows a `[`; return what it means and where the rest begins."""
    is_negated = pattern[at : at + 1] == "^"
    at += is_negated
    first = at
    inner = ""
    before = ""
    while at < len(pattern) and (pattern[at] != "]" or at == first):
        character = pattern[at]
        after = pattern[at + 1 : at + 2]
        if character == "-" and before and after not in {"", "]"}:
            inner += f"{_code(before)}-{_code(after)}" if before <= after else ""
            before = ""
            at += 2
        else:
            inner += _code(character)
            before = character
            at += 1
    if at >= len(pattern):
        return NOTHING, at  # never closed: fits nothing
    return f"[{'^' * is_negated}{inner}]", at + 1


def _code(character: str) -> str:
    return f"\\U{ord(character):08x}"
