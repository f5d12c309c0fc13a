"""Reading a template into pieces, and rendering the pieces in one pass."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from hookagent.environment import Environment
from hookagent.errors import did_you_mean
from hookagent.lookup import MISSING, PathError
from hookagent.subject import Reference, parse_reference
from hookagent.template.error import TemplateError
from hookagent.template.filters import FILTERS, Filter, as_text
from hookagent.template.scope import Scope
from hookagent.template.sinks import ESCAPES, Sink

OUTPUT_BYTES_MAX = 64 * 1024
"""What one template may render to; a payload field is not a document store."""
SOURCE_LENGTH_MAX = 64 * 1024
"""Characters in one template."""


@dataclass(frozen=True, slots=True)
class _Insertion:
    """One `{{ … }}`: a reference or a literal, and the filters it goes through."""

    source: Reference | str
    filters: tuple[tuple[Filter, tuple[Any, ...]], ...]
    offset: int

    def value(self, scope: Scope) -> Any:
        """Resolve and filter; several values are a list. Raises TemplateError."""
        current = self._resolved(scope)
        try:
            for filter_, arguments in self.filters:
                if current is MISSING and not filter_.takes_missing:
                    break
                current = filter_.apply(current, *arguments)
        except TemplateError as error:
            raise TemplateError(error.message, self.offset, hint=error.hint) from None
        except (RecursionError, UnicodeEncodeError, msgspec.MsgspecError, TypeError) as error:
            raise TemplateError(f"cannot be written: {error}", self.offset) from None
        if current is MISSING:
            raise TemplateError(
                f"there is no `{self.source}` in this event",
                self.offset,
                hint='give it a default: {{ … | default("") }}',
            )
        return current

    def _resolved(self, scope: Scope) -> Any:
        if isinstance(self.source, str):
            return self.source
        found = scope.find(self.source)
        if len(found) > 1:
            return found
        return found[0] if found else MISSING

    def text(self, scope: Scope, sink: Sink) -> str:
        """Resolve, filter and escape. Raises TemplateError."""
        value = self.value(scope)
        try:
            several = isinstance(value, list) and all(isinstance(item, str) for item in value)
            text = ", ".join(value) if several else as_text(value)
            return ESCAPES[sink](text)
        except TemplateError as error:
            raise TemplateError(error.message, self.offset) from None
        except (RecursionError, UnicodeEncodeError, msgspec.MsgspecError, TypeError) as error:
            raise TemplateError(f"cannot be written: {error}", self.offset) from None


class Template:
    """A text with insertions. Immutable; equal to another of the same source.

    A template that is one insertion and nothing else (`is_whole`) has a typed `value`: a JSON body
    made of it keeps numbers, objects and null.
    """

    __slots__ = ("_pieces", "source")

    def __init__(self, source: str, pieces: Sequence[str | _Insertion]) -> None:
        self.source = source
        self._pieces = tuple(pieces)

    @classmethod
    def parse(cls, text: str, environment: Environment | None = None) -> Self:
        """Read a template. Raises TemplateError, and MissingVariable with an environment.

        `${NAME}` is put in where an environment is given, in the text around insertions only and
        never read again: neither a secret nor a payload can become a template.
        """
        if len(text) > SOURCE_LENGTH_MAX:
            raise TemplateError(f"a template is at most {SOURCE_LENGTH_MAX} characters long")
        pieces: list[str | _Insertion] = []
        for piece in _split(text):
            if isinstance(piece, str) and environment is not None:
                pieces.append(environment.expand(piece))
            else:
                pieces.append(piece)
        return cls(text, pieces)

    @property
    def is_literal(self) -> bool:
        """Whether nothing is inserted."""
        return all(isinstance(piece, str) for piece in self._pieces)

    @property
    def is_whole(self) -> bool:
        """Whether it is one insertion with nothing around it."""
        return len(self._pieces) == 1 and not isinstance(self._pieces[0], str)

    @property
    def prefix(self) -> str:
        """The literal text before the first insertion."""
        first = self._pieces[0] if self._pieces else ""
        return first if isinstance(first, str) else ""

    @property
    def references(self) -> tuple[Reference, ...]:
        """What it refers to, in order."""
        pieces = (piece for piece in self._pieces if not isinstance(piece, str))
        return tuple(piece.source for piece in pieces if isinstance(piece.source, Reference))

    def render(self, scope: Scope, sink: Sink = Sink.TEXT) -> str:
        """Put the values in, escaped for the sink. Raises TemplateError and nothing else."""
        return self.render_by(scope, lambda _before: sink)

    def render_by(self, scope: Scope, sink_after: Callable[[str], Sink]) -> str:
        """Render where the sink depends on the text before an insertion, as in a URL."""
        text = ""
        size = 0
        for piece in self._pieces:
            part = piece if isinstance(piece, str) else piece.text(scope, sink_after(text))
            size += len(part) if part.isascii() else len(part.encode("utf-8", "replace"))
            if size > OUTPUT_BYTES_MAX:
                raise TemplateError(f"the text grew beyond {OUTPUT_BYTES_MAX} bytes")
            text += part
        return text

    def value(self, scope: Scope) -> Any:
        """Return the typed value of a whole template, else the rendered text.

        Raises TemplateError.
        """
        only = self._pieces[0] if self.is_whole else ""
        if isinstance(only, str):
            return self.render(scope)
        value = only.value(scope)
        return str(value) if isinstance(value, str) else value  # `Encoded` is for URLs only

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and self.source == other.source

    def __hash__(self) -> int:
        return hash(self.source)

    def __repr__(self) -> str:
        return f"Template({self.source!r})"  # the source names variables, it never holds them


def _split(text: str) -> Iterator[str | _Insertion]:
    """Yield the literal texts and the insertions of a template, in order."""
    position = 0
    while True:
        start = text.find("{{", position)
        if start < 0:
            break
        if start > position:
            yield text[position:start]
        insertion, position = _insertion(text, start)
        yield insertion
    if position < len(text):
        yield text[position:]


def _insertion(text: str, start: int) -> tuple[_Insertion, int]:
    """Read the insertion that opens at `start`; return it and where it ends."""
    parts, end = _parts(text, start + 2)
    source = _source(*parts[0])
    filters = tuple(_filter(part, offset) for part, offset in parts[1:])
    return _Insertion(source, filters, start), end


def _parts(text: str, start: int) -> tuple[list[tuple[str, int]], int]:
    """Split at the bars up to the closing braces, leaving quoted text alone."""
    parts = []
    begin = position = start
    while position < len(text):
        character = text[position]
        if character in "\"'":
            position = text.find(character, position + 1)
            if position < 0:
                break
        elif character == "|" or text.startswith("}}", position):
            parts.append((text[begin:position], begin))
            if character == "}":
                return parts, position + 2
            begin = position + 1
        position += 1
    raise TemplateError("`{{` is not closed with `}}`", start - 2)


def _source(part: str, offset: int) -> Reference | str:
    text = part.strip()
    offset += len(part) - len(part.lstrip())
    if not text:
        raise TemplateError("a path is missing between `{{` and `}}`", offset)
    if text[0] in "\"'" and text[-1] == text[0] and len(text) > 1:
        return text[1:-1]
    try:
        return parse_reference(text)
    except PathError as error:
        hint = getattr(error, "hint", None)
        raise TemplateError(str(error), offset + error.position, hint=hint) from None


_CALL = re.compile(r"^\s*([a-z_]+)\s*(?:\((.*)\))?\s*$", re.DOTALL)
_ARGUMENT = re.compile(
    r"""\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<other>[^\s,"']+))\s*(?:,|$)""",
)
_WORDS = {"true": True, "false": False, "null": None}


def _filter(part: str, offset: int) -> tuple[Filter, tuple[Any, ...]]:
    """Read `name` or `name(argument, …)`."""
    found = _CALL.match(part)
    name = found.group(1) if found else part.strip()
    filter_ = FILTERS.get(name)
    if found is None or filter_ is None:
        raise TemplateError(
            f"unknown filter `{name}`", offset, hint=did_you_mean(name, FILTERS),
        )  # fmt: skip
    arguments = _arguments(found.group(2) or "", offset)
    if not filter_.least <= len(arguments) <= filter_.most:
        raise TemplateError(f"`{name}` takes {_count(filter_)}, not {len(arguments)}", offset)
    return filter_, arguments


def _count(filter_: Filter) -> str:
    if filter_.most == 0:
        return "no argument"
    return "one argument" if filter_.least == filter_.most else "at most one argument"


def _arguments(text: str, offset: int) -> tuple[Any, ...]:
    """Read quoted texts, numbers, true, false and null, separated by commas."""
    arguments: list[Any] = []
    position = 0
    while position < len(text):
        found = _ARGUMENT.match(text, position)
        if not found:
            raise TemplateError(f"`{text[position:].strip()}` is not an argument", offset)
        arguments.append(_argument(found, offset))
        position = found.end()
    return tuple(arguments)


def _argument(found: re.Match[str], offset: int) -> Any:
    quoted = found.group("double") if found.group("double") is not None else found.group("single")
    if quoted is not None:
        return quoted
    word = found.group("other")
    if word in _WORDS:
        return _WORDS[word]
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    raise TemplateError(f'text needs quotes: `"{word}"`', offset)
