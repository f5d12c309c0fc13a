"""Text patterns that are safe on any input: `regex` and `glob` on RE2, `word` by hand.

RE2 runs in time linear to the text, whatever the pattern. What it cannot say (lookaround,
backreferences) is refused when the rule is read.
"""

from functools import lru_cache
from typing import Any

import re2  # type: ignore[import-untyped] # google-re2 ships no types

SUBJECT_BYTES_MAX = 65_536
"""A `regex` looks at so much of a value; the rest cannot make it match."""
PROGRAM_BYTES_MAX = 8 * 1024 * 1024
"""The memory one compiled pattern may take."""
PATTERN_LENGTH_MAX = 4_096
"""Longer patterns are generated lists, which `in` and `contains` do better."""


class WrongPattern(ValueError):
    """A pattern that RE2 does not accept."""


@lru_cache(maxsize=65_536)
def compiled(pattern: str, *, is_folded: bool = False) -> Any:
    """Compile a regular expression. Raises WrongPattern."""
    if len(pattern) > PATTERN_LENGTH_MAX:
        raise WrongPattern(f"longer than {PATTERN_LENGTH_MAX} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PROGRAM_BYTES_MAX
    options.never_capture = True
    options.case_sensitive = not is_folded
    try:
        return re2.compile(pattern.encode("utf-8"), options)
    except UnicodeEncodeError:
        raise WrongPattern("it holds half of a character (a lone surrogate)") from None
    except re2.error as error:
        detail = error.args[0] if error.args else ""
        raise WrongPattern(_words(detail)) from None


def _words(detail: Any) -> str:
    text = detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
    return text or "it is not a regular expression"


def encoded(text: str) -> bytes:
    """Return the bytes RE2 looks at; half characters become `?` instead of an error."""
    return text.encode("utf-8", "replace")


def found_by(pattern: str, text: str, *, is_folded: bool = False) -> bool:
    """Whether a regular expression occurs anywhere in the text."""
    subject = encoded(text[:SUBJECT_BYTES_MAX])[:SUBJECT_BYTES_MAX]
    return compiled(pattern, is_folded=is_folded).search(subject) is not None


@lru_cache(maxsize=65_536)
def glob_program(pattern: str) -> Any:
    """Compile a glob to RE2. Raises WrongPattern for one that is not well formed."""
    return compiled(f"(?s){glob_to_regex(pattern)}")


def fits_glob(pattern: str, text: str) -> bool:
    """Whether the whole text fits a glob."""
    if pattern == "*":
        return True
    return glob_program(pattern).fullmatch(encoded(text)) is not None


def glob_to_regex(pattern: str) -> str:
    """Translate a glob: `*` any run, `?` one character, `[ab]`, `[!ab]`; a backslash escapes."""
    translated: list[str] = []
    place = 0
    while place < len(pattern):
        character = pattern[place]
        place += 1
        if character == "*":
            if translated[-1:] != [".*"]:
                translated.append(".*")
        elif character == "?":
            translated.append(".")
        elif character == "[":
            inner, place = _set(pattern, place)
            translated.append(inner)
        else:
            if character == "\\":
                if place == len(pattern):
                    raise WrongPattern("it ends with a backslash that escapes nothing")
                character = pattern[place]
                place += 1
            translated.append(_quoted(character))
    return "".join(translated)


def _quoted(character: str) -> str:
    return "\\" + character if character.isascii() and not character.isalnum() else character


def _set(pattern: str, start: int) -> tuple[str, int]:
    """Translate the set that begins behind `[`; return it and where the rest begins."""
    negated = pattern[start : start + 1] == "!"
    start += negated
    end = pattern.find("]", start + 1)  # a `]` right at the start is a member
    if end < 0:
        raise WrongPattern("the `[` has no `]`")
    members = "".join(
        character if character == "-" else _quoted(character) for character in pattern[start:end]
    )
    return f"[{'^' if negated else ''}{members}]", end + 1


def has_word(word: str, text: str) -> bool:
    """Whether the text holds this with no letter, digit or `_` touching it."""
    if not word:
        return False
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not (_joins(text, start - 1) or _joins(text, end)):
            return True
        start = text.find(word, start + 1)
    return False


def _joins(text: str, place: int) -> bool:
    return 0 <= place < len(text) and (text[place].isalnum() or text[place] == "_")
