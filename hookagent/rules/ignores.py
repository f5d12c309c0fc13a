"""Reads `# hookagent: ignore CODE reason` comments, which silence one lint code for one rule."""

import re
from collections.abc import Mapping

from hookagent.errors import Problem

_IGNORE = re.compile(r"#\s*hookagent:\s*ignore\s+([a-z][a-z0-9-]*)(?:[\s:,-]+(.*))?$")


def read_ignores(
    text: str,
    file: str,
    rule: tuple[str, int] | None,
    problems: list[Problem],
) -> Mapping[str, str]:
    """Return code and reason of the comments on a rule: above its header, or in its lines.

    `rule` is its name and the line of its header, None where the whole file is one rule. A
    comment without a reason is a problem.
    """
    found: dict[str, str] = {}
    for number, line in _lines(text, rule):
        match = _IGNORE.search(line)
        if not match:
            continue
        code, reason = match.group(1), (match.group(2) or "").strip()
        if not reason:
            problems.append(
                Problem(
                    code="ignore-without-reason",
                    message=f"`ignore {code}` needs a reason",
                    file=file,
                    line=number,
                    column=1,
                    hint=f"# hookagent: ignore {code} because …",
                ),
            )
        found[code] = reason
    return found


def _lines(text: str, rule: tuple[str, int] | None) -> list[tuple[int, str]]:
    """Return a rule's own lines with their numbers, the comments right above it included."""
    lines = text.splitlines()
    if rule is None:
        return list(enumerate(lines, start=1))
    name, header = rule
    start = header - 1
    while start > 0 and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    own = re.compile(rf"\s*\[+\s*rule\s*\.\s*[\"']?{re.escape(name)}[\"']?\s*[.\]]")
    end = header
    while end < len(lines) and not _is_header_of_another(lines[end], own):
        end += 1
    while end < len(lines) and lines[end - 1].lstrip().startswith("#"):
        end -= 1  # what stands right above the next rule is about that one
    return [(number + 1, lines[number]) for number in range(start, end)]


def _is_header_of_another(line: str, own: re.Pattern[str]) -> bool:
    return line.startswith("[") and not own.match(line)
