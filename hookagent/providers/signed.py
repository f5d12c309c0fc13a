"""What a signature covers: a template over the bytes of a request.

    {body}   v0:{timestamp}:{body}   {id}.{timestamp}.{body}   {method}{url}{body}{timestamp}

A template is read once into parts; `hookagent/providers/README.md` lists the placeholders. `{{` and
`}}` are braces.
"""

import msgspec

from hookagent.errors import did_you_mean
from hookagent.lookup import Path, PathError, parse_path

BARE = frozenset(
    {
        "body",
        "body_crc32",
        "body_inflated",
        "body_jcs",
        "body_sha256",
        "body_sha256_base64",
        "body_sha256_hex",
        "form_sorted",
        "host",
        "id",
        "method",
        "method_lower",
        "path",
        "query",
        "query_sorted",
        "secret",
        "target",
        "timestamp",
        "url",
    },
)
"""Placeholders that stand alone."""
NAMED = frozenset({"config", "form", "header", "json", "query"})
"""Placeholders of the form `{area:name}`."""
WHOLE_BODY = frozenset(
    {
        "body",
        "body_inflated",
        "body_jcs",
        "body_sha256",
        "body_sha256_base64",
        "body_sha256_hex",
    },
)
"""Placeholders that bind the whole body. A CRC is no hash: anyone can make another body fit it."""


class Part(msgspec.Struct, frozen=True):
    """One piece of a template: literal bytes, or a placeholder."""

    kind: str
    """`literal`, or the placeholder's word."""
    name: str = ""
    """What follows the colon: a header, a field, a setting."""
    literal: bytes = b""
    path: Path = ()
    """For `json`."""
    optional: bool = False
    """A missing value counts as empty."""


class Template(msgspec.Struct, frozen=True):
    """A signed template, read."""

    text: str
    parts: tuple[Part, ...]

    @property
    def covers_body(self) -> bool:
        """Whether every byte of the body is bound."""
        return any(part.kind in WHOLE_BODY for part in self.parts)

    def uses(self, kind: str) -> bool:
        """Whether a placeholder occurs."""
        return any(part.kind == kind for part in self.parts)

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the names a kind of placeholder is used with, in order."""
        return tuple(part.name for part in self.parts if part.kind == kind)

    @property
    def is_body(self) -> bool:
        """Whether it is `{body}` and nothing else."""
        return len(self.parts) == 1 and self.parts[0].kind == "body"


class TemplateError(ValueError):
    """A template that cannot be read, with a hint where there is one."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def parse_template(text: str) -> Template:
    """Read a template. Raises TemplateError."""
    parts: list[Part] = []
    literal = ""
    position = 0
    while position < len(text):
        character = text[position]
        if text.startswith(("{{", "}}"), position):
            literal += character
            position += 2
        elif character == "{":
            end = text.find("}", position)
            if end < 0:
                raise TemplateError("a `{` is not closed", "write `{{` for a brace itself")
            if literal:
                parts.append(Part("literal", literal=literal.encode()))
                literal = ""
            parts.append(_placeholder(text[position + 1 : end]))
            position = end + 1
        elif character == "}":
            raise TemplateError("a `}` without its `{`", "write `}}` for a brace itself")
        else:
            literal += character
            position += 1
    if literal:
        parts.append(Part("literal", literal=literal.encode()))
    return Template(text, tuple(parts))


def _placeholder(text: str) -> Part:
    """Read what stands between two braces."""
    kind, colon, name = text.partition(":")
    if not colon:
        if kind not in BARE:
            known = (*BARE, *(f"{area}:" for area in NAMED))
            raise TemplateError(f"no placeholder `{{{text}}}`", did_you_mean(kind, known))
        return Part(kind)
    if kind not in NAMED:
        raise TemplateError(f"no placeholder `{{{kind}:…}}`", did_you_mean(kind, NAMED))
    optional = name.endswith("?")
    name = name.removesuffix("?")
    if not name:
        raise TemplateError(f"`{{{kind}:}}` needs a name", f"write `{{{kind}:NAME}}`")
    if kind != "json":
        return Part(kind, name, optional=optional)
    try:
        return Part(kind, name, path=parse_path(name), optional=optional)
    except PathError as error:
        raise TemplateError(f"`{{{text}}}`: {error}") from None
