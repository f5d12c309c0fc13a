"""Reads `# hookagent: ignore CODE reason` comments, which silence one lint code for one rule."""

import re
from collections.abc import Iterator, Mapping

from hookagent.errors import Problem

Ignores = Mapping[str, Mapping[str, str]]
"""Code and reason by the rule's name; the name is empty for a file that is one rule."""

_IGNORE = re.compile(r"#\s*hookagent:\s*ignore\s+([a-z][a-z0-9-]*)(?:[\s:,-]+(.*))?$")
_MARK = "hookagent:"
_RULE = re.compile(r"""\s*\[+\s*rule\s*\.\s*(?:"(.+?)"|'(.+?)'|([A-Za-z0-9_-]+))""")


def read_ignores(text: str, file: str, problems: list[Problem]) -> Ignores:
    """Return the comments of a file by rule: those above a rule's header, or in its lines.

    A comment without a reason is a problem.
    """
    if _MARK not in text:
        return {}
    found: dict[str, dict[str, str]] = {}
    for number, line, rule in _lines(text):
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
        found.setdefault(rule, {})[code] = reason
    return found


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the lines that may hold a comment: number, text, and the rule it is about.

    A comment on a line of its own right above a header is about that header's rule.
    """
    rule = ""
    waiting: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("#"):
            waiting.append((number, line))
            continue
        if line.lstrip().startswith("["):
            rule = _rule_of(line)
        yield from ((above, comment, rule) for above, comment in waiting)
        waiting.clear()
        if _MARK in line:
            yield number, line, rule
    yield from ((above, comment, rule) for above, comment in waiting)


def _rule_of(header: str) -> str:
    """Return the rule a header belongs to, empty where it is none's."""
    found = _RULE.match(header)
    return next(filter(None, found.groups()), "") if found else ""
