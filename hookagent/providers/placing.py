"""Puts values into a request where a scheme wants them; the inverse of `View.at`."""

from typing import Any
from urllib.parse import quote

import msgspec

from hookagent.event import RawRequest
from hookagent.lookup import Path
from hookagent.payload import Parsed, read_json
from hookagent.providers.shape import Location


def put(request: RawRequest, place: Location, value: str) -> RawRequest:
    """Return the request with a value at a place; an older one there is replaced."""
    match place.kind:
        case "header":
            return put_header(request, place.name.replace("{n}", "1"), value)
        case "query":
            query = put_field(request.query, place.name, value)
            return msgspec.structs.replace(request, target=f"{request.path}?{query}")
        case "form":
            form = put_field(request.body.decode("latin-1"), place.name, value)
            return msgspec.structs.replace(request, body=form.encode("latin-1"))
        case _:
            return put_json(request, place.path, value)


def put_header(request: RawRequest, name: str, value: str) -> RawRequest:
    """Return the request with a header set."""
    return msgspec.structs.replace(request, headers=request.headers.with_fields({name: value}))


def put_field(fields: str, name: str, value: str) -> str:
    """Return an URL-encoded list with one field set, at the end."""
    encoded = quote(name, safe="")
    kept = [item for item in fields.split("&") if item and _name(item) not in (name, encoded)]
    return "&".join([*kept, f"{encoded}={quote(value, safe='')}"])


def _name(item: str) -> str:
    return item.partition("=")[0]


def put_json(request: RawRequest, path: Path, value: Any) -> RawRequest:
    """Return the request with a member of its JSON body set; a body that is none becomes one."""
    parsed = read_json(request.body)
    document = parsed.value if isinstance(parsed, Parsed) else {}
    document = _with(document, path, value)
    return msgspec.structs.replace(request, body=msgspec.json.encode(document))


def _with(value: Any, path: Path, new: Any) -> Any:
    """Return a copy of a value with what a path names replaced or added."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        items = list(value) if isinstance(value, list) else []
        if -len(items) <= step < len(items):
            items[step] = _with(items[step], rest, new)
        else:
            items.append(_with(None, rest, new))
        return items
    if isinstance(value, list):
        return [_with(item, path, new) for item in value]
    members = dict(value) if isinstance(value, dict) else {}
    members[step] = _with(members.get(step), rest, new)
    return members
