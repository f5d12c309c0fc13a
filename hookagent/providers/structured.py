"""The part of Structured Fields (RFC 8941) that HTTP message signatures are written in.

Dictionaries whose members are inner lists of strings, byte sequences, or plain items, with
parameters. Strict: anything else is None.
"""

import re
from typing import NamedTuple

from hookagent.providers.codec import decode_base64, encode_base64

Item = str | int | bool | bytes
"""A string or token, an integer, a boolean, a byte sequence."""
Parameters = tuple[tuple[str, Item], ...]


class Member(NamedTuple):
    """One member of a dictionary."""

    value: "Item | tuple[Component, ...]"
    parameters: Parameters = ()


class Component(NamedTuple):
    """One entry of an inner list: a name with parameters."""

    name: str
    parameters: Parameters = ()

    def __str__(self) -> str:
        return serialize_item(self.name) + serialize_parameters(self.parameters)


MEMBERS_MAX = 16
_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*", re.ASCII)
_INTEGER = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_STRING = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"', re.ASCII)
_BYTES = re.compile(r":([A-Za-z0-9+/=]*):", re.ASCII)
_BOOLEAN = re.compile(r"\?([01])", re.ASCII)


class _Unreadable(ValueError):
    """Not a structured field of this form."""


def parse_dictionary(text: str) -> dict[str, Member] | None:
    """Read a dictionary; None for anything that is not exactly one."""
    reader = _Reader(text.strip(" "))
    try:
        return reader.dictionary()
    except _Unreadable:
        return None


def serialize_parameters(parameters: Parameters) -> str:
    """Write parameters canonically."""
    return "".join(
        f";{name}" if value is True else f";{name}={serialize_item(value)}"
        for name, value in parameters
    )


def serialize_item(value: Item) -> str:
    """Write an item canonically."""
    match value:
        case bool():
            return "?1" if value else "?0"
        case int():
            return str(value)
        case bytes():
            return f":{encode_base64(value).decode()}:"
        case _:
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'


class _Reader:
    """Reads one field value from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def dictionary(self) -> dict[str, Member]:
        members: dict[str, Member] = {}
        while self._at < len(self._text):
            name = self._match(_KEY)
            if len(members) >= MEMBERS_MAX:
                raise _Unreadable
            members[name] = self._member()
            self._spaces()
            if self._at == len(self._text):
                return members
            self._expect(",")
            self._spaces()
            if self._at == len(self._text):
                raise _Unreadable
        return members

    def _member(self) -> Member:
        if not self._take("="):
            return Member(value=True, parameters=self._parameters())
        if self._take("("):
            return Member(self._inner_list(), self._parameters())
        return Member(self._item(), self._parameters())

    def _inner_list(self) -> tuple[Component, ...]:
        components: list[Component] = []
        while True:
            self._spaces()
            if self._take(")"):
                return tuple(components)
            name = self._item()
            if not isinstance(name, str) or len(components) >= 4 * MEMBERS_MAX:
                raise _Unreadable
            components.append(Component(name, self._parameters()))
            if self._at >= len(self._text) or self._text[self._at] not in " )":
                raise _Unreadable

    def _parameters(self) -> Parameters:
        parameters: dict[str, Item] = {}
        while self._take(";"):
            self._spaces()
            name = self._match(_KEY)
            parameters[name] = self._item() if self._take("=") else True
        return tuple(parameters.items())

    def _item(self) -> Item:
        start = self._text[self._at : self._at + 1]
        if start == '"':
            text = self._match(_STRING)[1:-1]
            return text.replace('\\"', '"').replace("\\\\", "\\")
        if start == ":":
            value = decode_base64(self._match(_BYTES)[1:-1].encode())
            if value is None:
                raise _Unreadable
            return value
        if start == "?":
            return self._match(_BOOLEAN) == "?1"
        return int(self._match(_INTEGER))

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if not found:
            raise _Unreadable
        self._at = found.end()
        return found.group()

    def _take(self, character: str) -> bool:
        if self._text.startswith(character, self._at):
            self._at += 1
            return True
        return False

    def _expect(self, character: str) -> None:
        if not self._take(character):
            raise _Unreadable

    def _spaces(self) -> None:
        while self._text[self._at : self._at + 1] in {" ", "\t"}:
            self._at += 1
