"""What an import yields: rules as text, and a line for each thing that was met on the way."""

from collections.abc import Sequence

import msgspec

from hookagent.errors import ConfigError
from hookagent.lookup import format_path
from hookagent.rules.parse import read_rules


class CannotImport(ValueError):
    """A document that is not what it is said to be; the message says where and why."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What one thing of the original became."""

    place: str
    """Where it was in the original: a path of keys."""
    became: str
    """What it is now, or empty where it could not be carried over."""
    reason: str = ""
    """Why it could not be carried over, or how it differs."""

    @property
    def is_lost(self) -> bool:
        """Whether nothing stands for it."""
        return not self.became


class Imported(msgspec.Struct, kw_only=True):
    """The outcome of an import."""

    text: str
    """TOML; reads back as rules."""
    notes: list[Note]


class Notes:
    """Collects notes while a document is converted."""

    def __init__(self) -> None:
        self.all: list[Note] = []

    def kept(self, place: Sequence[str | int], became: str, reason: str = "") -> None:
        """Note what something became, and how it differs where it does."""
        self.all.append(Note(place=place_of(place), became=became, reason=reason))

    def lost(self, place: Sequence[str | int], reason: str) -> None:
        """Note that something could not be carried over."""
        self.all.append(Note(place=place_of(place), became="", reason=reason))


def finished(text: str, notes: Notes) -> Imported:
    """Return what was imported, having read it back. Raises CannotImport where that fails."""
    try:
        read_rules([("imported.toml", text)])
    except ConfigError as error:
        problem = error.problems[0]
        raise CannotImport(f"it asks for what a rule cannot say: {problem.message}") from None
    return Imported(text=text, notes=notes.all)


def place_of(place: Sequence[str | int]) -> str:
    """Write where something was in the original."""
    return format_path(tuple(place)) or "the document"
