"""What a text must hold to fit a glob or a regular expression, read off the pattern.

Necessary, not sufficient: an index looks texts up by it, and the pattern itself then decides. When
in doubt a run is cut short or nothing is said; that costs time, never an answer.
"""

import re
from dataclasses import dataclass, field

REPEAT = re.compile(r"\{\d+(?:,\d*)?\}")
QUANTIFIERS = "*?{"
"""What makes the character before it optional, or may."""
BREAKS = "^$."
OPENING = "(["


@dataclass(slots=True)
class Runs:
    """Literal runs of a pattern."""

    runs: list[str] = field(default_factory=list)
    """In order; each stands somewhere in every text that fits."""
    starts: bool = False
    """Whether texts begin with the first run."""
    ends: bool = False
    """Whether texts end with the last run."""
    is_whole: bool = False
    """Whether a text that has the runs where they belong fits: there is nothing but `*` between."""


def of_glob(pattern: str) -> Runs:
    """Return the runs of a glob."""
    found = Runs(is_whole=True)
    current = ""
    is_wild = False  # whether a wildcard was met
    place = 0
    while place < len(pattern):
        character = pattern[place]
        place += 1
        if character == "\\":
            current += pattern[place]
            place += 1
        elif character not in "*?[":
            current += character
        else:
            if current:
                found.starts = found.starts or not is_wild
                found.runs.append(current)
                current = ""
            is_wild = True
            found.is_whole = found.is_whole and character == "*"
            if character == "[":
                place = pattern.find("]", place + 1 + (pattern[place] == "!")) + 1
    if current:
        found.starts = found.starts or not is_wild
        found.ends = True
        found.runs.append(current)
    return found


def of_regex(pattern: str) -> Runs | None:
    """Return the runs of an RE2 expression, None where it is not plain enough to tell."""
    if "|" in _outside_groups(pattern) or "(?" in pattern.replace("(?:", "").replace("(?P<", ""):
        return None
    found = Runs()
    current = ""
    place = 0
    while place < len(pattern):
        character = pattern[place]
        width = _width(pattern, place)
        if width == 0:
            return None
        literal = _literal(pattern, place)
        place += width
        if literal:
            current += literal
            continue
        dropped = character in QUANTIFIERS
        kept = current[:-1] if dropped else current
        if kept:
            found.starts = found.starts or (not found.runs and pattern.startswith("^" + kept))
            found.runs.append(kept)
        current = ""
        found.ends = character == "$" and place == len(pattern) and bool(kept)
    if current:
        found.starts = found.starts or (not found.runs and pattern == "^" + current)
        found.runs.append(current)
    return found


ANY_OF_MAX = 64
"""So many texts any of which will do are still looked up."""


def any_of_regex(pattern: str) -> tuple[str, ...]:
    """Return texts of which every match holds one, none where it is not plain enough to tell.

    The longest run of each alternative, or those of a group it must have where they are longer.
    """
    if "(?" in pattern.replace("(?:", "").replace("(?P<", ""):
        return ()
    found = _any_of(pattern)
    return found if len(found) <= ANY_OF_MAX else ()


def _any_of(pattern: str) -> tuple[str, ...]:
    texts: dict[str, None] = {}
    for alternative in _alternatives(pattern):
        best = _best_of(alternative)
        if not best:
            return ()
        texts.update(dict.fromkeys(best))
    return tuple(texts)


def _alternatives(pattern: str) -> list[str]:
    """Split at the bars outside groups; nothing where that cannot be told."""
    found = []
    start = place = 0
    while place < len(pattern):
        width = _width(pattern, place)
        if width == 0:
            return []
        if pattern[place] == "|":
            found.append(pattern[start:place])
            start = place + 1
        place += width
    return [*found, pattern[start:]]


def _best_of(alternative: str) -> tuple[str, ...]:
    runs = of_regex(alternative)
    if runs is None:
        return ()
    choices: list[tuple[str, ...]] = [(max(runs.runs, key=len),)] if runs.runs else []
    choices += [texts for texts in map(_any_of, _groups(alternative)) if texts]
    return max(choices, key=lambda texts: min(map(len, texts)), default=())


def _groups(alternative: str) -> list[str]:
    """Return what stands in the groups that every match has."""
    found = []
    place = 0
    while place < len(alternative):
        width = _width(alternative, place)
        end = place + width
        if alternative[place] == "(" and alternative[end : end + 1] not in {"*", "?", "{"}:
            found.append(_GROUP_NAME.sub("", alternative[place + 1 : end - 1]))
        place = end
    return found


_GROUP_NAME = re.compile(r"^\?(?::|P<[^>]*>)")


def _outside_groups(pattern: str) -> str:
    """Return a pattern without its groups, sets and escapes; `|` where they are not closed."""
    kept = ""
    place = 0
    while place < len(pattern):
        width = _width(pattern, place)
        if width == 0:
            return "|"
        if width == 1:
            kept += pattern[place]
        place += width
    return kept


def _width(pattern: str, place: int) -> int:
    """Return how long the part that begins here is: a group, a set, an escape or one character.

    0 where it cannot be told.
    """
    character = pattern[place]
    if character == "\\":
        following = pattern[place + 1 : place + 2]
        return 2 if following and (not following.isalnum() or following in "dDsSwWbBAz") else 0
    if character == "[":
        return _set_width(pattern, place)
    if character == "(":
        return _group_width(pattern, place)
    if character == "{":
        repeat = REPEAT.match(pattern, place)
        return repeat.end() - place if repeat else 0
    return 1


def _set_width(pattern: str, start: int) -> int:
    place = start + 1 + (pattern[start + 1 : start + 2] == "^")
    place += pattern[place : place + 1] == "]"  # right at the start it is a member
    while place < len(pattern):
        if pattern[place] == "]":
            return place - start + 1
        if pattern.startswith("[:", place):
            place = pattern.find(":]", place) + 1
            if place == 0:
                return 0
        place += 2 if pattern[place] == "\\" else 1
    return 0


def _group_width(pattern: str, start: int) -> int:
    place = start + 1
    if pattern.startswith("?", place):
        place += 1
    while place < len(pattern):
        if pattern[place] == ")":
            return place - start + 1
        width = _width(pattern, place)
        if width == 0:
            return 0
        place += width
    return 0


def _literal(pattern: str, place: int) -> str:
    """Return the one character that stands for itself here, else nothing."""
    character = pattern[place]
    if character == "\\":
        following = pattern[place + 1]
        return "" if following.isalnum() else following
    return "" if character in QUANTIFIERS + BREAKS + OPENING + "+" else character
