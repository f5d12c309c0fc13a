"""Everything that can go wrong in a way a person must mend, and the exit code it ends with.

    HookagentError
    ├── AnswerNo           1   the answer is no: not valid, no match, refused
    ├── UsageError         2   the command line makes no sense
    ├── ConfigError        3   a configuration or rule file is wrong; carries every problem found
    ├── NotFound           4   no such event, rule, source or scheme
    ├── OutsideError       5   the outside failed: port taken, target unreachable, store locked
    └── (anything else)   70   a bug of ours

A class exists because someone catches it or because it has its own exit code. Messages follow one
form: what happened, in backticks the literals, no full stop; the hint says what to do.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import IntEnum, StrEnum


class ExitCode(IntEnum):
    """How a command ended; scripts rely on these numbers."""

    DONE = 0
    NO = 1
    USAGE = 2
    CONFIG = 3
    NOT_FOUND = 4
    OUTSIDE = 5
    BUG = 70
    INTERRUPTED = 130


class Severity(StrEnum):
    """An error stops the file from being used; a warning is only said."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in one place of one file."""

    code: str
    """Stable and documented, words joined by `-`: `unknown-key`."""
    message: str
    file: str | None = None
    line: int | None = None
    """From 1."""
    column: int | None = None
    """From 1, in characters."""
    hint: str | None = None
    severity: Severity = Severity.ERROR

    @property
    def place(self) -> str:
        """`file:line:column`, as far as it is known."""
        parts = (self.file, self.line, self.column)
        return ":".join(str(part) for part in parts if part is not None)

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{where}{self.severity}: {self.message} [{self.code}]{hint}"


class HookagentError(Exception):
    """What a person can mend: a message, a hint, an exit code."""

    exit_code: ExitCode = ExitCode.NO

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint:
            self.add_note(f"hint: {hint}")  # for a traceback, as in a test of the pytest plugin


class AnswerNo(HookagentError):
    """The question was understood and the answer is no."""

    exit_code = ExitCode.NO


class UsageError(HookagentError):
    """The command line makes no sense."""

    exit_code = ExitCode.USAGE


class ConfigError(HookagentError):
    """A configuration or rule file is wrong; every problem found is in it."""

    exit_code = ExitCode.CONFIG

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class NotFound(HookagentError):
    """No such event, rule, source or scheme; the nearest names are the hint."""

    exit_code = ExitCode.NOT_FOUND

    @classmethod
    def among(
        cls, kind: str, name: str, known: Iterable[str], *, none: str | None = None
    ) -> "NotFound":
        """Say which name of a kind is missing, and which known one was probably meant.

        `none` is the hint where none is known; left out, that there is none of this kind.
        """
        names = list(known)
        nothing = f"there is no {kind} here at all" if none is None else none
        hint = did_you_mean(name, names) if names else nothing
        return cls(f"no {kind} `{name}`", hint=hint)


class OutsideError(HookagentError):
    """Something outside failed: a port, a tunnel, a target, a store."""

    exit_code = ExitCode.OUTSIDE


def reason_of(error: BaseException) -> str:
    """Say why something outside could not be reached or read, without a library's own words."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    inner = getattr(error, "os_error", None) or error
    code = getattr(inner, "errno", None)
    if isinstance(code, int) and code > 0:
        return os.strerror(code).lower()
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Suggest the nearest of the known names, or list them when they are few, or nothing."""
    names = sorted(set(known))
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    if names and len(names) <= SHORT_LIST_MAX:
        return "known: " + ", ".join(f"`{known_name}`" for known_name in names)
    return None


SHORT_LIST_MAX = 12
"""As many names as a reader takes in at a glance."""
