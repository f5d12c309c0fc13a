"""What a check found: good, worth knowing, or in the way."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How grave a finding is; only `fail` makes the doctor's answer no."""

    OK = "ok"
    WARNING = "warning"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor's report."""

    check: str
    """Stable, words joined by `-`: `store`, `port`."""
    state: State
    message: str
    hint: str | None = None
    """How to mend it."""


def good(check: str, message: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(check=check, state=State.OK, message=message)


def warning(check: str, message: str, hint: str | None = None) -> Finding:
    """Return a finding worth knowing."""
    return Finding(check=check, state=State.WARNING, message=message, hint=hint)


def failed(check: str, message: str, hint: str | None = None) -> Finding:
    """Return a finding that is in the way."""
    return Finding(check=check, state=State.FAIL, message=message, hint=hint)
