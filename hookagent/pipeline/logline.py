"""One line of the log for one thing that happened: JSON or text, redacted, safe to look at.

Pure. Every line has `time`, `level`, `part` and `event`, then the fields of `feed`, ids among them.
A line is ASCII: control and formatting characters stand as escapes, so no payload can steer a
terminal that shows the file.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from hookagent.config.watching import LOG_LEVELS, Log
from hookagent.eventfile import format_time
from hookagent.pipeline.feed import (
    Delivered,
    Happening,
    Matched,
    Ran,
    Ready,
    Rules,
    Trouble,
    Tunnel,
)
from hookagent.redact import Redactor

RANK: Mapping[str, int] = {level: rank for rank, level in enumerate(LOG_LEVELS)}
TEXT_MAX = 4_096
"""Characters of one value in a line."""
_RAN = {"done": "info", "waiting": "warning"}
_WELL = frozenset({"up", "changed", "starting"})


def standing_of(happening: Happening) -> tuple[str, str]:
    """Return which part a thing belongs to, and how bad it is."""
    match happening:
        case Delivered(outcome=outcome):
            return "delivery", "warning" if outcome == "rejected" else "info"
        case Matched() | Rules():
            return "rules", _of_rules(happening)
        case Ran(state=state):
            return "run", _RAN.get(state, "error")
        case Tunnel(state=state):
            return "tunnel", "info" if state in _WELL else "warning"
        case Trouble(part=part):
            return ("watch" if part.startswith("watch ") else "agent"), "warning"
        case _:
            return "agent", "info"


def _of_rules(happening: Matched | Rules) -> str:
    if isinstance(happening, Rules):
        return "error" if happening.problems else "info"
    return "info" if happening.runs else "debug"


class LineMaker:
    """Turns happenings into lines, as `[log]` wants them."""

    def __init__(self, log: Log, redactor: Redactor) -> None:
        self._log = log
        self._redactor = redactor
        self._second = (-1, "")

    @property
    def wants_every(self) -> bool:
        """Whether deliveries, matches and runs that went well have lines at all."""
        levels = (self._log.level_of(part) for part in ("delivery", "rules", "run"))
        return any(RANK[level] <= RANK["info"] for level in levels)

    def line(self, happening: Happening) -> bytes | None:
        """Return the line with its end, None where its part's level leaves it out."""
        part, level = standing_of(happening)
        if RANK[level] < RANK[self._log.level_of(part)]:
            return None
        head = {"time": self._time(happening.at), "level": level, "part": part}
        is_json = self._log.format == "json"
        if is_json and _is_plain(happening):
            quick = self._plain(head, happening)
            if quick is not None:
                return quick
        fields = self._redactor.value(_fields(happening))
        return _json(head | fields) if is_json else _text(head, fields)

    def _time(self, at: int) -> str:
        """Write a moment; the calendar is asked once a second."""
        second, rest = divmod(at, 1_000)
        if second != self._second[0]:
            self._second = (second, format_time(second * 1_000).removesuffix(".000Z"))
        return f"{self._second[1]}.{rest:03d}Z"

    def _plain(self, head: Mapping[str, str], happening: Happening) -> bytes | None:
        """Return the line of names, ids and numbers, an eighth of the work; None if it is not."""
        text = msgspec.json.encode(happening).decode("utf-8")
        if len(text) > TEXT_MAX or not text.isascii() or "\x7f" in text:
            return None
        shown = self._redactor.known(text)
        first = ",".join(f'"{name}":"{value}"' for name, value in head.items())
        return f"{{{first},{shown[1:]}\n".encode("ascii")


def _fields(happening: Happening) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(happening)
    if isinstance(happening, Ready) and happening.inspector:
        fields["inspector"] = happening.inspector.partition("?")[0]  # the rest is its token
    if "part" in fields:  # a line's own part is one of those that have levels
        fields["about"] = fields.pop("part")
    return {name: _cut(value) for name, value in fields.items()}


def _cut(value: Any) -> Any:
    return value[:TEXT_MAX] + "…" if isinstance(value, str) and len(value) > TEXT_MAX else value


def _is_plain(happening: Happening) -> bool:
    """Whether a thing holds nothing but names, ids and numbers: by far the most do."""
    match happening:
        case Delivered(outcome="accepted" | "duplicate"):
            return True
        case Ran(state="done", dry=dry):
            return not dry
        case Matched():
            return True
        case _:
            return False


def _json(fields: Mapping[str, Any]) -> bytes:
    text = json.dumps(fields, ensure_ascii=True, separators=(",", ":"), default=str)
    return text.replace("\x7f", "\\u007f").encode("ascii") + b"\n"


def _text(head: Mapping[str, str], fields: Mapping[str, Any]) -> bytes:
    """Write `time LEVEL part event name=value …`; empty values are left out."""
    first = f"{head['time']} {head['level'].upper():<7} {head['part']:<8} {fields['event']}"
    shown = [
        f"{name}={_shown(value)}"
        for name, value in fields.items()
        if value not in EMPTY and name not in {"event", "at"}
    ]
    return " ".join([first, *shown]).encode("ascii", "backslashreplace") + b"\n"


EMPTY: tuple[Any, ...] = ("", None, [], {})


def _shown(value: Any) -> str:
    if isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value:
        return value
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=str)
    return text.replace("\x7f", "\\u007f")
