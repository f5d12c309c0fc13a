"""Where a rendered value goes, and how it is escaped for that place.

Escaping is applied to inserted values only, never to what the template's author wrote around them.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from enum import StrEnum
from urllib.parse import quote

import msgspec

from hookagent.template.error import TemplateError


class Encoded(str):
    """Text that is percent-encoded already; a URL takes it as it is."""

    __slots__ = ()


class Sink(StrEnum):
    """Where a rendered value goes, and so how it is escaped."""

    TEXT = "text"
    """Plain text: as it is."""
    PATH = "url-path"
    """A part of a URL's path: everything but unreserved characters is percent-encoded."""
    QUERY = "url-query"
    """A part of a URL's query: as the path."""
    JSON = "json"
    """Inside the quotes of a JSON string: quotes, backslashes and control characters escaped."""
    HEADER = "header"
    """A header's value: control characters are refused."""
    ARGUMENT = "argument"
    """One item of a command line: NUL is refused; see `Template.render` for dashes."""
    FILE = "file-name"
    """A part of a file's name: anything but letters, digits, `.`, `_` and `-` becomes `_`."""
    TOPIC = "topic"
    """A level of a topic or subject: anything but letters, digits, `_` and `-` becomes `_`."""
    SLACK = "slack"
    """Slack's mrkdwn: `&`, `<` and `>` become entities, so no value is a link or a mention."""
    MARKDOWN = "markdown"
    """Markdown: its punctuation is escaped, and no value mentions anyone."""
    TERMINAL = "terminal"
    """A terminal: control and formatting characters become visible escapes."""


def terminal_safe(text: str) -> str:
    r"""Make text harmless to a terminal: characters that steer it become `\xNN` or `\uNNNN`.

    Line feeds and tabs stay. Categories: control, format (bidirectional marks, zero width),
    surrogates, line and paragraph separators.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return character
    code = ord(character)
    if code <= 0xFF:  # noqa: PLR2004 - what two hex digits hold
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - four digits


def _percent(text: str) -> str:
    return text if isinstance(text, Encoded) else quote(text, safe="", errors="replace")


def _in_json(text: str) -> str:
    return msgspec.json.encode(text.encode("utf-8", "replace").decode()).decode()[1:-1]


def _in_header(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise TemplateError("a value with control characters cannot go into a header")
    return text


def _in_argument(text: str) -> str:
    if "\0" in text:
        raise TemplateError("a value with a NUL cannot go into a command line")
    return text


FILE_NAME_LENGTH_MAX = 64
"""Of one inserted value in a file's name or a topic."""
_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9._-]|^\.+|\.{2,}")


def _in_file_name(text: str) -> str:
    return _NOT_IN_FILE_NAMES.sub("_", text)[:FILE_NAME_LENGTH_MAX]


_NOT_IN_TOPICS = re.compile(r"[^A-Za-z0-9_-]")


def _in_topic(text: str) -> str:
    return _NOT_IN_TOPICS.sub("_", text)[:FILE_NAME_LENGTH_MAX]


def _in_slack(text: str) -> str:
    # https://docs.slack.dev/messaging/formatting-message-text: these three characters, no others
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_MARKDOWN = re.compile(r"([\\`*_~|\[\]()<>#])")
_ZERO_WIDTH_SPACE = "\u200b"


def _in_markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text).replace("@", f"@{_ZERO_WIDTH_SPACE}")


ESCAPES: Mapping[Sink, Callable[[str], str]] = {
    Sink.TEXT: str,
    Sink.PATH: _percent,
    Sink.QUERY: _percent,
    Sink.JSON: _in_json,
    Sink.HEADER: _in_header,
    Sink.ARGUMENT: _in_argument,
    Sink.FILE: _in_file_name,
    Sink.TOPIC: _in_topic,
    Sink.SLACK: _in_slack,
    Sink.MARKDOWN: _in_markdown,
    Sink.TERMINAL: terminal_safe,
}
"""How each sink escapes an inserted value; raises TemplateError for what it refuses."""
