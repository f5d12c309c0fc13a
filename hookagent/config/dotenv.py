r"""`.env`: lines of `NAME=value` beside the configuration, for what must not stand in it.

    # a comment
    export NAME=value           # `export` is allowed, a comment needs a space before it
    QUOTED="two words\nand a line"
    LITERAL='no $ and no \ mean anything'

Nothing is expanded. A line that is none of these is a problem.
"""

import re
from collections.abc import Mapping

from hookagent.errors import Problem

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)", re.DOTALL)
_LITERAL = re.compile(r"'([^']*)'\s*(?:#.*)?")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?')
_COMMENT = re.compile(r"(?:^|\s)#.*")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def parse(text: str, file: str) -> tuple[Mapping[str, str], list[Problem]]:
    """Read the variables and every problem; a later line wins over an earlier one."""
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        value = _value(found[2]) if found else None
        if found is None or value is None:
            problems.append(_wrong_line(line, number, file))
        else:
            values[found[1]] = value
    return values, problems


def _value(written: str) -> str | None:
    """Return what the right side means; None where a quote is not closed."""
    if written.startswith("'"):
        found = _LITERAL.fullmatch(written)
        return found[1] if found else None
    if written.startswith('"'):
        found = _QUOTED.fullmatch(written)
        return _ESCAPE.sub(lambda one: _ESCAPES.get(one[1], one[1]), found[1]) if found else None
    return _COMMENT.sub("", written).strip()


def _wrong_line(line: str, number: int, file: str) -> Problem:
    return Problem(
        code="env-syntax",
        message="not a line of `NAME=value`",
        file=file,
        line=number,
        column=len(line) - len(line.lstrip()) + 1,
        hint="write NAME=value, or NAME='value' where it has quotes or spaces at its ends",
    )
