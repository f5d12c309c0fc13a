"""TOML on one line: how the writer and the importers write conditions.

`tomli_w` would write a table within a table under a header of its own, which below `when` reads as
a dotted key.
"""

import re
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {
    "\\": "\\\\",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}


def inline(value: Any) -> str:
    """Write a JSON value (but null) as a TOML value on one line. Raises ValueError for null."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return quoted(value)
        case int() | float():
            return _number(value)
        case list() | tuple():
            return f"[{', '.join(inline(part) for part in value)}]"
        case dict():
            members = [f"{key(name)} = {inline(part)}" for name, part in value.items()]
            return f"{{ {', '.join(members)} }}" if members else "{}"
        case _:
            raise ValueError(f"TOML has no {value!r}")


def _number(value: float) -> str:
    text = repr(value)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def quoted(text: str) -> str:
    """Write text as a TOML string: in single quotes where backslashes would double."""
    plain = all(character.isprintable() for character in text)
    if ("\\" in text or '"' in text) and "'" not in text and plain:
        return f"'{text}'"
    return f'"{"".join(_escaped(character) for character in text)}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004 - half a character, which TOML cannot hold
        return "\\uFFFD"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"  # noqa: PLR2004 - TOML's two forms


def key(name: str) -> str:
    """Write a key: bare where TOML allows it."""
    return name if _BARE.fullmatch(name) else quoted(name)
