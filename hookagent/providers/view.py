"""A request as verification sees it: exactly one value of each thing asked for, as bytes.

The body is read as a form or as JSON only when a scheme asks, once, and never changed. A missing or
doubled value is a `Refusal`.
"""

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from hookagent.event import RawRequest
from hookagent.lookup import MISSING, Path, find
from hookagent.payload import FORM_FIELDS_MAX, Parsed, read_json
from hookagent.providers.multipart import part_of
from hookagent.providers.refusal import Refusal
from hookagent.providers.shape import Location
from hookagent.verdict import Code

Fields = dict[bytes, list[bytes]]
T = TypeVar("T")


class View:
    """One request being verified."""

    __slots__ = ("_document", "_form", "_query", "base_url", "json_part", "request", "settings")

    def __init__(
        self,
        request: RawRequest,
        settings: Mapping[str, str],
        base_url: str = "",
        json_part: str = "",
    ) -> None:
        self.request = request
        self.settings = settings
        self.base_url = base_url or request.base_url
        self.json_part = json_part
        self._form: Fields | None = None
        self._query: Fields | None = None
        self._document: Any = _UNREAD

    def header(self, name: str, absent: Code = Code.MISSING_PART) -> bytes:
        """Return the one value of a header."""
        return _one(self.request.headers.all(name), f"header `{name}`", absent)

    def at(self, place: Location, absent: Code = Code.MISSING_PART) -> bytes:
        """Return the one value at a place."""
        match place.kind:
            case "header":
                return self.header(place.name, absent)
            case "query":
                return self.query_field(place.name, absent)
            case "form":
                return self.form_field(place.name, absent)
            case _:
                return self.json_text(place.path, place.name, absent)

    def query_field(self, name: str, absent: Code = Code.MISSING_PART) -> bytes:
        """Return the one value of a query parameter."""
        return _one(self.query.get(name.encode(), []), f"query parameter `{name}`", absent)

    def form_field(self, name: str, absent: Code = Code.MISSING_PART) -> bytes:
        """Return the one value of a form field."""
        return _one(self.form.get(name.encode(), []), f"form field `{name}`", absent)

    def json_text(self, path: Path, name: str, absent: Code = Code.MISSING_PART) -> bytes:
        """Return the one scalar a path reaches, as the text JSON writes it with."""
        found = find(path, self.document)
        value = _one([text_of(item) for item in found], f"payload field `{name}`", absent)
        if value is None:
            raise Refusal(absent, f"payload field `{name}` is not a plain value")
        return value

    @property
    def query(self) -> Fields:
        """The query's parameters."""
        if self._query is None:
            self._query = parse_fields(self.request.query.encode("utf-8", "surrogateescape"))
        return self._query

    @property
    def form(self) -> Fields:
        """The body's form fields."""
        if self._form is None:
            self._form = parse_fields(self.request.body)
        return self._form

    @property
    def document(self) -> Any:
        """The body as JSON, or MISSING where it is none."""
        if self._document is _UNREAD:
            parsed = read_json(self.json_bytes)
            self._document = parsed.value if isinstance(parsed, Parsed) else MISSING
        return self._document

    @property
    def json_bytes(self) -> bytes:
        """The JSON text: the body, or the part or form field that carries it."""
        if not self.json_part:
            return self.request.body
        content_type = self.request.headers.text("content-type") or ""
        if content_type.lower().startswith("multipart/form-data"):
            return part_of(self.request.body, content_type, self.json_part) or b""
        if content_type.lower().startswith("application/x-www-form-urlencoded"):
            return self.form.get(self.json_part.encode(), [b""])[0]
        return self.request.body

    def setting(self, name: str) -> str:
        """Return a setting of the source."""
        value = self.settings.get(name, "")
        if not value:
            raise Refusal(Code.MISSING_PART, f"the source's setting `{name}` is not given")
        return value

    @property
    def url(self) -> bytes:
        """The configured public address with the path and query asked for."""
        return self.public_base + self.target

    @property
    def public_base(self) -> bytes:
        """The configured scheme and host, never the request's own Host header."""
        if not self.base_url:
            raise Refusal(Code.MISSING_PART, "the public URL of this source is not configured")
        return self.base_url.encode("utf-8", "surrogateescape")

    @property
    def target(self) -> bytes:
        """Path and query as on the wire."""
        return self.request.target.encode("utf-8", "surrogateescape")


_UNREAD: Any = object()


def _one(values: list[T], what: str, absent: Code) -> T:
    if not values:
        raise Refusal(absent, f"{what} is missing")
    if len(values) > 1:
        raise Refusal(Code.DOUBLED, f"{what} is there {len(values)} times")
    return values[0]


def text_of(value: Any) -> bytes | None:
    """Write a JSON scalar as a signer would; None for an object, a list or a fraction."""
    match value:
        case str():
            return value.encode("utf-8", "surrogatepass")
        case bool():
            return b"true" if value else b"false"
        case int():
            return str(value).encode()
        case _:
            return None


def parse_fields(data: bytes) -> Fields:
    """Read an URL-encoded list into decoded bytes; total, and bounded in fields."""
    fields: Fields = {}
    if not data:
        return fields
    if data.count(b"&") >= FORM_FIELDS_MAX:
        raise Refusal(Code.MISSING_PART, f"more than {FORM_FIELDS_MAX} form fields")
    for item in data.split(b"&"):
        name, _, value = item.partition(b"=")
        if item:
            fields.setdefault(_unquote(name), []).append(_unquote(value))
    return fields


def _unquote(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))
