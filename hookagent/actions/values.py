"""The types of options beyond plain ones: templates by where they go, URLs, secrets, times.

Each reads itself from what TOML or a stored step holds and reports what is wrong with it; each
describes itself for the JSON Schema. Templates have `fill(scope)`, which raises TemplateError.
"""

import ipaddress
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self
from urllib.parse import SplitResult, quote, unquote, urlsplit

import msgspec

from hookagent.actions.reading import Reader, Where
from hookagent.located import describe, parse_duration
from hookagent.template import Scope, Sink, Template, TemplateError

JSON_BYTES_MAX = 1024 * 1024
"""What a JSON body may come to: as much as a payload may be."""


class Value(ABC):
    """A type of option that reads itself."""

    __slots__ = ()

    @classmethod
    @abstractmethod
    def read(cls, value: Any, where: Where, reader: Reader) -> Self | None:
        """Read what was written; None after reporting what is wrong with it."""

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Return its JSON Schema."""
        return {"type": "string"}


def _is_text(value: Any, where: Where, reader: Reader) -> bool:
    """Whether it is text; reports it where not."""
    if isinstance(value, str):
        return True
    reader.report("wrong-type", f"`{_last(where)}` must be a string, not {describe(value)}", where)
    return False


def _last(where: Where) -> str:
    return ".".join(str(step) for step in where)


class Text(Template, Value):
    """Plain text from a template."""

    __slots__ = ()
    SINK: ClassVar[Sink] = Sink.TEXT

    @classmethod
    def read(cls, value: Any, where: Where, reader: Reader) -> Self | None:
        return reader.template(cls, value, where) if _is_text(value, where, reader) else None

    def fill(self, scope: Scope) -> str:
        """Render for the place this text goes to. Raises TemplateError."""
        return self.render(scope, self.SINK)


class HeaderText(Text):
    """A header's value from a template: no control characters."""

    __slots__ = ()
    SINK = Sink.HEADER


class SlackText(Text):
    """Text in Slack's own markup from a template."""

    __slots__ = ()
    SINK = Sink.SLACK


class MarkdownText(Text):
    """Markdown from a template."""

    __slots__ = ()
    SINK = Sink.MARKDOWN


class Topic(Text):
    """A broker's topic or subject from a template; inserted values are one level of it."""

    __slots__ = ()
    SINK = Sink.TOPIC


class FileName(Text):
    """A file's path from a template; inserted values cannot name folders."""

    __slots__ = ()
    SINK = Sink.FILE


class Argument(Text):
    """One item of a command line from a template (SECURITY R4)."""

    __slots__ = ()
    SINK = Sink.ARGUMENT

    def fill(self, scope: Scope) -> str:
        """Render; raises TemplateError also for a value that would read as an option or a file."""
        text = self.render(scope, self.SINK)
        if len(text.encode("utf-8", "replace")) > ARGUMENT_BYTES_MAX:
            raise TemplateError(f"an argument is at most {ARGUMENT_BYTES_MAX} bytes long")
        return text

    def is_taken_for_option(self, filled: str) -> bool:
        """Whether the filled text begins with `-` or `@` and the author did not write that."""
        return filled[:1] in {"-", "@"} and not self.is_literal and not self.prefix


ARGUMENT_BYTES_MAX = 131_071
"""Linux refuses longer ones (MAX_ARG_STRLEN)."""


class Json(Value):
    """A JSON value with templates in its texts; one that is a single insertion keeps its type."""

    __slots__ = ("_tree",)

    def __init__(self, tree: Any) -> None:
        self._tree = tree

    @classmethod
    def read(cls, value: Any, where: Where, reader: Reader) -> Self | None:
        before = len(reader.found)
        tree = cls._parse(value, where, reader)
        return cls(tree) if len(reader.found) == before else None

    @classmethod
    def _parse(cls, value: Any, where: Where, reader: Reader) -> Any:
        if isinstance(value, str):
            return reader.template(Template, value, where)
        if isinstance(value, dict):
            return {key: cls._parse(item, (*where, key), reader) for key, item in value.items()}
        if isinstance(value, list):
            return [cls._parse(item, (*where, place), reader) for place, item in enumerate(value)]
        if value is None or isinstance(value, bool | int | float):
            return value
        reader.report("wrong-type", "JSON has no dates or times; write it as text", where)
        return None

    def fill(self, scope: Scope) -> Any:
        """Return the JSON value. Raises TemplateError, also for one beyond 1 MiB."""
        filled = self._fill(self._tree, scope)
        if len(encode_json(filled)) > JSON_BYTES_MAX:
            raise TemplateError(f"the JSON grew beyond {JSON_BYTES_MAX} bytes")
        return filled

    @classmethod
    def _fill(cls, tree: Any, scope: Scope) -> Any:
        if isinstance(tree, Template):
            return tree.value(scope)
        if isinstance(tree, dict):
            return {key: cls._fill(item, scope) for key, item in tree.items()}
        if isinstance(tree, list):
            return [cls._fill(item, scope) for item in tree]
        return tree

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {"type": ["object", "array", "string", "number", "boolean"]}


def encode_json(value: Any) -> bytes:
    """Write JSON. Raises TemplateError for a value that JSON cannot hold."""
    try:
        return msgspec.json.encode(value)
    except (RecursionError, UnicodeEncodeError, msgspec.MsgspecError, TypeError) as error:
        raise TemplateError(f"cannot be written as JSON: {error}") from None


class Secret(Value):
    """A secret by reference: `${NAME}`. Shown by nothing, never a template."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def read(cls, value: Any, where: Where, reader: Reader) -> Self | None:
        if not _is_text(value, where, reader):
            return None
        text = reader.expand(value, where)
        if reader.environment is None:
            return cls(text)
        if not text.strip():
            reader.report("blank-secret", f"`{_last(where)}` is blank", where)
            return None
        reader.environment.remember(text)
        return cls(text)

    def reveal(self) -> str:
        """Return the secret itself, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"


class Address(Secret):
    """A server's address that may hold a password; shown without it."""

    __slots__ = ()

    @classmethod
    def read(cls, value: Any, where: Where, reader: Reader) -> Self | None:
        if not _is_text(value, where, reader):
            return None
        text = reader.expand(value, where).strip()
        if reader.environment is not None:
            password = _password(text)
            reader.environment.remember(password)
            reader.environment.remember(unquote(password))
        return cls(text)

    def __repr__(self) -> str:
        password = _password(self._text)
        return self._text.replace(f":{password}@", ":***@") if password else self._text


def _password(address: str) -> str:
    """Return the password between scheme and host, as written; empty where there is none."""
    authority = address.partition("://")[2].partition("/")[0]
    return authority.rpartition("@")[0].partition(":")[2]


class Duration(Value):
    """A length of time, such as `30s`."""

    __slots__ = ("ms",)

    def __init__(self, ms: int) -> None:
        self.ms = ms

    @classmethod
    def read(cls, value: Any, where: Where, reader: Reader) -> Self | None:
        ms = parse_duration(value) if isinstance(value, str) else None
        if ms is None:
            reader.report(
                "wrong-type",
                f"`{_last(where)}` must be a length of time, not {describe(value)}",
                where,
                hint='write it as "30s", "5m", "1h30m"',
            )
            return None
        return cls(ms)

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {"type": "string", "examples": ["30s", "5m", "1h30m"]}


class Url(Value):
    """An HTTP address whose scheme, host and port are literal; path and query may be templates."""

    __slots__ = ("_template", "host", "origin", "port")

    def __init__(self, template: Template, parts: SplitResult) -> None:
        self._template = template
        self.host = (parts.hostname or "").lower()
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.origin = f"{parts.scheme}://{parts.netloc}"

    @classmethod
    def read(cls, value: Any, where: Where, reader: Reader) -> Self | None:
        if not _is_text(value, where, reader):
            return None
        template = reader.template(Template, value.strip(), where)
        if template is None:
            return None
        unknown = reader.environment is None and "${" in template.prefix
        parts, problem, hint = _origin(template)
        if problem and not unknown:
            reader.report("wrong-url", problem, where, hint=hint)
            return None
        return cls(template, parts or urlsplit("http://unknown.invalid"))

    @property
    def is_address(self) -> bool:
        """Whether the host is an address or `localhost`: what was written is what is called."""
        return self.host == "localhost" or _is_ip(self.host)

    def fill(self, scope: Scope) -> str:
        """Return the URL, percent-encoded. Raises TemplateError, also for `..` in its path."""
        text = self._template.render_by(scope, _sink_in_url)
        if not self._template.is_literal:
            path = urlsplit(text).path
            if any(unquote(segment) in {".", ".."} for segment in path.split("/")):
                raise TemplateError("a value would climb out of the URL's path")
        return quote(text.partition("#")[0], safe=_URL_SAFE)


class Urls(Value):
    """One address or a list of them."""

    __slots__ = ("each",)

    def __init__(self, each: tuple[Url, ...]) -> None:
        self.each = each

    @classmethod
    def read(cls, value: Any, where: Where, reader: Reader) -> Self | None:
        if not isinstance(value, list):
            one = Url.read(value, where, reader)
            return None if one is None else cls((one,))
        if not value:
            reader.report("wrong-url", f"`{_last(where)}` must name at least one address", where)
        read = [Url.read(item, (*where, place), reader) for place, item in enumerate(value)]
        return cls(tuple(url for url in read if url is not None))

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {"anyOf": [Url.schema(), {"type": "array", "items": Url.schema(), "minItems": 1}]}


_URL_SAFE = "%:/?[]@!$&'()*+,;=-._~"


def _sink_in_url(before: str) -> Sink:
    return Sink.QUERY if "?" in before else Sink.PATH


def _origin(template: Template) -> tuple[SplitResult | None, str, str | None]:
    """Split off the literal scheme and host, or say what is wrong with them."""
    text = template.prefix
    scheme, mark, rest = text.partition("://")
    if not mark or scheme.lower() not in {"http", "https"}:
        problem = "a URL begins with `http://` or `https://` and a host, all literal"
        return None, problem, "only path and query may be templates"
    if not template.is_literal and not any(character in rest for character in "/?"):
        return None, "the host of a URL must be literal", "only path and query may be templates"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        return None, f"not a URL: {error}", None
    if "@" in parts.netloc:
        return None, "a URL holds no user and password", "send them with `headers`"
    if not parts.hostname or not parts.hostname.isascii() or port == 0 or _has_control(text):
        return None, "not a URL with an ASCII host", "write an international name as `xn--…`"
    return parts, "", None


def _has_control(text: str) -> bool:
    return any(ord(character) <= ord(" ") or ord(character) == _DELETE for character in text)


_DELETE = 0x7F


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
