"""Runs an imported document against events."""

from typing import Any

from hookagent.rules.evaluate import matches
from hookagent.rules.importing import FORMATS
from hookagent.rules.importing.imported import Imported
from hookagent.rules.parse import read_rules
from tests.rules.events import make_event


def imported(kind: str, document: Any) -> Imported:
    """Convert a document."""
    return FORMATS[kind](document, "r")


def fires(kind: str, document: Any, payload: Any, **keys: Any) -> bool:
    """Whether any rule made of a document matches an event, `on` left out."""
    from dataclasses import replace

    rules = read_rules([("imported.toml", imported(kind, document).text)]).rules
    event = make_event(payload, **keys)
    return any(matches(replace(rule, on=()), event) for rule in rules if rule.enabled)
