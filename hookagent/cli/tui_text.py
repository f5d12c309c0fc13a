"""What the full-screen view writes, as text with colours that no payload can steer."""

from collections.abc import Iterable

from rich.text import Text

from hookagent.cli.live import Line
from hookagent.cli.output import Ink, safe
from hookagent.errors import UsageError
from hookagent.store.base import EventFilter

KEYS = (
    ("j k ↑ ↓", "move"),
    ("g G", "first, last"),
    ("Enter Tab", "go to the event, to the next pane"),
    ("f /", "filter: words, source:NAME type:GLOB status:STATE"),
    ("Esc", "back; clear the filter"),
    ("F", "follow what comes"),
    ("r", "replay, freshly signed"),
    ("R", "replay, edited in $EDITOR first"),
    ("e", "open the body in $EDITOR"),
    ("c", "copy as curl"),
    ("y", "copy the body"),
    ("m d", "mark an event; compare with the marked one"),
    ("?", "this"),
    ("q", "leave"),
)
"""Every key and what it does."""


def styled(lines: Iterable[Line]) -> Text:
    """Join lines into one text; markup in them is not markup."""
    found = Text()
    for line in lines:
        for part in line:
            if isinstance(part, Ink):
                found.append(safe(part.text), style=part.colour)
            else:
                found.append(safe(part))
        found.append("\n")
    return found


def help_text() -> Text:
    """Return the sheet of keys."""
    widest = max(len(keys) for keys, _ in KEYS)
    return styled([(Ink(f"{keys:<{widest}}  ", "bold"), about) for keys, about in KEYS])


def read_filter(text: str, before: EventFilter) -> EventFilter:
    """Read `type:invoice.* source:pay words` into the store's filter. Raises UsageError."""
    import msgspec

    given: dict[str, str] = {}
    words = []
    for word in text.split():
        name, colon, value = word.partition(":")
        if colon and name in {"source", "type", "status", "rule"}:
            given[name] = value
        elif colon and name and not value:
            raise UsageError(f"`{word}` lacks a value")
        else:
            words.append(word)
    return msgspec.structs.replace(
        before,
        source=given.get("source", ""),
        type=given.get("type", ""),
        status=given.get("status", ""),
        rule=given.get("rule", ""),
        text=" ".join(words),
    )
