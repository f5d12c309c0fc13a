"""The filters of templates: one table of pure functions from a value to a value."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from hookagent.lookup import MISSING
from hookagent.template.error import TemplateError
from hookagent.template.sinks import Encoded


@dataclass(frozen=True, slots=True)
class Filter:
    """One entry of `FILTERS`: what it does to a value, and how many arguments it takes."""

    apply: Callable[..., Any]
    least: int
    most: int
    about: str
    takes_missing: bool = False


def as_text(value: Any) -> str:
    """Write a value as text: strings as they are, anything else as JSON."""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _json(value: Any) -> str:
    return msgspec.json.encode(str(value) if isinstance(value, str) else value).decode()


def _default(value: Any, instead: Any) -> Any:
    return instead if value is MISSING or value is None or value == "" else value


def _truncate(value: Any, length: Any) -> str:
    text = as_text(value)
    if not isinstance(length, int) or length < 1:
        raise TemplateError("`truncate` takes a whole number of at least 1")
    return text if len(text) <= length else text[: length - 1] + "…"


_DIRECTIVES = "YymdjHIMSfpaAbBzZ%"
"""Those of `strftime` that mean the same on every platform."""
_DATE_PARTS = re.compile(rf"(?:[^%]|%[{_DIRECTIVES}])*")
_SECONDS_MAX = 100_000_000_000
"""A larger number is taken for milliseconds: this many seconds is the year 5138."""


def _date(value: Any, form: Any = "%Y-%m-%d") -> str:
    if not isinstance(form, str) or not _DATE_PARTS.fullmatch(form):
        known = " ".join(f"%{directive}" for directive in _DIRECTIVES)
        raise TemplateError(f"`date` takes a format of these: {known}")
    try:
        return _instant(value).astimezone(UTC).strftime(form)
    except (ValueError, OverflowError, OSError):
        raise TemplateError(f"`{as_text(value)[:40]}` is not a time") from None


def _instant(value: Any) -> datetime:
    number = _number(value) if not isinstance(value, str) or value.isdigit() else None
    if number is None:
        found = datetime.fromisoformat(value)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    seconds = number / 1000 if abs(number) >= _SECONDS_MAX else number
    return datetime.fromtimestamp(seconds, UTC)


_DECIMAL = re.compile(r"^\s*[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?\s*$", re.ASCII)


def _number(value: Any, decimals: Any = None) -> Any:
    if isinstance(value, str) and _DECIMAL.match(value):
        value = float(value) if {".", "e", "E"} & set(value) else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TemplateError(f"`{as_text(value)[:40]}` is not a number")
    if decimals is None:
        return value
    if not isinstance(decimals, int) or not 0 <= decimals <= DECIMALS_MAX:
        raise TemplateError(f"`number` takes a whole number from 0 to {DECIMALS_MAX}")
    return f"{value:.{decimals}f}"


DECIMALS_MAX = 20

FILTERS: Mapping[str, Filter] = {
    "default": Filter(
        _default, 1, 1, "the argument where the value is missing, null or empty text",
        takes_missing=True,
    ),
    "json": Filter(_json, 0, 0, "the value as JSON"),
    "upper": Filter(lambda value: as_text(value).upper(), 0, 0, "in capitals"),
    "lower": Filter(lambda value: as_text(value).lower(), 0, 0, "in small letters"),
    "trim": Filter(lambda value: as_text(value).strip(), 0, 0, "without white space around it"),
    "truncate": Filter(
        _truncate, 1, 1, "cut to so many characters, the last of them `…` where it was longer",
    ),
    "date": Filter(
        _date, 0, 1,
        "a time (ISO 8601, or Unix seconds or milliseconds) in UTC, by default as `%Y-%m-%d`",
    ),
    "number": Filter(
        _number, 0, 1, "text as a number; with an argument, text with so many decimals",
    ),
    "urlencode": Filter(
        lambda value: Encoded(quote(as_text(value), safe="", errors="replace")), 0, 0,
        "percent-encoded, for a URL inside plain text; a part of a URL never needs it",
    ),
}  # fmt: skip
"""Every filter there is; `docs/actions.md` lists them from here."""
