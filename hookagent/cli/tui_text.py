"""What the full-screen view writes, as text with colours that no payload can steer."""

from collections.abc import Iterable
from textwrap import wrap

from rich.text import Text

from hookagent.cli.live import Line
from hookagent.cli.output import Ink, safe, safe_line
from hookagent.cli.showing import local_time
from hookagent.errors import UsageError
from hookagent.pipeline.refusals import means_refused
from hookagent.store.base import EventFilter, EventSummary

SOURCE_MAX = 16
TYPE_MAX = 60
ABOUT_MAX = 58
"""Columns of a key's description on the sheet."""
KEYS = (
    ("j k ↑ ↓", "move"),
    ("g G", "first, last"),
    ("Enter Tab", "go to the event, to the next pane"),
    ("f /", "filter: words, source:NAME type:GLOB status:STATE rule:NAME verdict:WORD"),
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


COLUMNS = ("", "time", "runs", "source", "type")
_SIGNS = {
    "dead": ("✗", "red"), "waiting": ("◷", "yellow"), "running": ("▸", "cyan"),
    "pending": ("…", "cyan"), "done": ("✓", "green"), "discarded": ("⊘", "dim"),
}  # fmt: skip
UNDER_WAY = frozenset({"pending", "running", "waiting"})


def cells_of(one: EventSummary, *, is_marked: bool, today: str) -> tuple[Text, ...]:
    """Return an event as a row, narrow enough that the runs are seen; `today` is as `09-21`."""
    day, time = local_time(one.received_at).split()
    return (
        Text("*" if is_marked else ""),
        Text(time if day == today else f"{day} {time[:5]}"),
        _runs(one),
        Text(safe_line(one.source, most=SOURCE_MAX)),
        Text(safe_line(one.type or "-", most=TYPE_MAX)),
    )


def _runs(one: EventSummary) -> Text:
    """Return the states of an event's runs as signs, the bad ones first."""
    if not one.runs:
        return Text("-" if one.state == "routed" else "…", style="dim")
    found = Text()
    for state, (sign, colour) in _SIGNS.items():
        count = one.runs.get(state, 0)
        if count:
            found.append(f"{count if count > 1 else ''}{sign}", style=colour)
    return found


def is_under_way(one: EventSummary) -> bool:
    """Whether an event's row will still change by itself."""
    return one.state != "routed" or bool(UNDER_WAY & set(one.runs))


def help_text() -> Text:
    """Return the sheet of keys."""
    widest = max(len(keys) for keys, _ in KEYS)
    signs = [part for sign, colour in _SIGNS.values() for part in (Ink(sign, colour), " ")]
    names = f" {', '.join(_SIGNS)}"
    rows: list[Line] = [
        (Ink(f"{'' if number else keys:<{widest}}  ", "bold"), part)
        for keys, about in KEYS
        for number, part in enumerate(wrap(about, ABOUT_MAX))
    ]
    return styled([*rows, ("",), (Ink(f"{'runs':<{widest}}  ", "bold"), *signs, names)])


def read_filter(text: str, before: EventFilter) -> EventFilter:
    """Read `type:invoice.* source:pay words` into the store's filter. Raises UsageError."""
    import msgspec

    given: dict[str, str] = {}
    words = []
    for word in text.split():
        name, colon, value = word.partition(":")
        if colon and name in {"source", "type", "status", "rule", "verdict"}:
            given[name] = value
        elif colon and name and not value:
            raise UsageError(f"`{word}` lacks a value")
        else:
            words.append(word)
    if means_refused(given.get("verdict", "")):
        raise UsageError("refused deliveries are no events: `hookagent inspect --rejected`")
    return msgspec.structs.replace(
        before,
        source=given.get("source", ""),
        type=given.get("type", ""),
        status=given.get("status", ""),
        rule=given.get("rule", ""),
        verdict=given.get("verdict", ""),
        text=" ".join(words),
    )
