"""Test results as JUnit XML, which every build server reads."""

from collections.abc import Sequence
from html import escape

from hookagent.rules.testing import CaseResult


def junit_xml(results: Sequence[CaseResult]) -> str:
    """Write results as one test suite."""
    failed = sum(not result.passed for result in results)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name="hookagent rules" tests="{len(results)}" failures="{failed}">',
    ]
    for result in results:
        lines.extend(_case(result))
    return "\n".join([*lines, "</testsuite>"]) + "\n"


def _case(result: CaseResult) -> list[str]:
    name = result.about or f"line {result.line}"
    opening = (
        f'  <testcase classname="{_text(result.rule)}" name="{_text(name)}"'
        f' file="{_text(result.file)}" line="{result.line}"'
    )
    if result.passed:
        return [f"{opening}/>"]
    message = "; ".join(result.problems)
    return [f"{opening}>", f'    <failure message="{_text(message)}"/>', "  </testcase>"]


def _text(text: str) -> str:
    """Escape text; XML 1.0 has no way to write most control characters, so they become `?`."""
    return escape("".join(it if it.isprintable() else "?" for it in text))
