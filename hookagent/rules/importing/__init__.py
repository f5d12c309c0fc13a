"""Other tools' rules as ours: pure conversions that say what became of every line."""

from collections.abc import Callable, Mapping
from typing import Any

from hookagent.rules.importing import adnanh, eventbridge, hookdeck
from hookagent.rules.importing.imported import CannotImport, Imported, Note

Convert = Callable[[Any, str], Imported]
"""From a parsed JSON (or YAML) document and a name for its rules."""

FORMATS: Mapping[str, Convert] = {
    "eventbridge": eventbridge.convert,
    "adnanh": adnanh.convert,
    "hookdeck": hookdeck.convert,
}
"""Every format by the name the command takes."""


def guess(document: Any) -> str | None:
    """Return the format a document seems to be in, or None."""
    if isinstance(document, list) and all(isinstance(it, dict) and "id" in it for it in document):
        return "adnanh"
    if not isinstance(document, dict):
        return None
    if "id" in document and "execute-command" in document:
        return "adnanh"
    if eventbridge.seems(document):
        return "eventbridge"
    return "hookdeck" if hookdeck.seems(document) else None


__all__ = ["FORMATS", "CannotImport", "Imported", "Note", "guess"]
