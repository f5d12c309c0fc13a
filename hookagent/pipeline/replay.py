"""From a captured request to one that can be sent again: edited, freshly signed, marked.

Pure: the caller reads files, draws numbers, tells the time and sends.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from hookagent import payload
from hookagent.config.model import Source
from hookagent.errors import UsageError
from hookagent.event import RawRequest
from hookagent.lookup import Path, PathError, format_path, parse_path
from hookagent.providers.body import FORM
from hookagent.providers.sign import sign


class Edit(msgspec.Struct, frozen=True):
    """One change of a payload: a value to set, or a member to remove."""

    path: Path
    value: Any = None
    removes: bool = False


def parse_set(text: str) -> Edit:
    """Read `a.b[0]=VALUE`; VALUE is JSON where it reads as JSON, else text. Raises UsageError."""
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"`--set {text}` lacks a value", hint="write --set path.to.field=VALUE")
    return Edit(_path(name), _value(value))


def parse_remove(text: str) -> Edit:
    """Read the path of `--remove`. Raises UsageError."""
    return Edit(_path(text), removes=True)


def _path(text: str) -> Path:
    try:
        return parse_path(text.strip())
    except PathError as error:
        raise UsageError(
            f"`{text}` is not a path: {error}", hint="such as data.items[0].id"
        ) from None


def _value(text: str) -> Any:
    read = payload.read_json(text.encode())
    return read.value if isinstance(read, payload.Parsed) else text


def edited(request: RawRequest, edits: Sequence[Edit]) -> RawRequest:
    """Return the request with its JSON or form changed. Raises UsageError where it is neither."""
    if not edits:
        return request
    if (request.headers.text("content-type") or "").startswith(FORM):
        return _edited_form(request, edits)
    read = payload.read_json(request.body)
    if not isinstance(read, payload.Parsed):
        raise UsageError(f"the body cannot be edited by path: {read.reason}")
    value = copy.deepcopy(read.value)
    for edit in edits:
        value = _remove(value, edit.path) if edit.removes else _set(value, edit.path, edit.value)
    return msgspec.structs.replace(request, body=msgspec.json.encode(value))


def _edited_form(request: RawRequest, edits: Sequence[Edit]) -> RawRequest:
    """Change fields of a form; the others keep their place."""
    text = request.body.decode("utf-8", "surrogateescape")
    fields = parse_qsl(text, keep_blank_values=True, errors="surrogateescape")
    for edit in edits:
        name = format_path(edit.path)
        kept = [pair for pair in fields if pair[0] != name]
        place = next((at for at, pair in enumerate(fields) if pair[0] == name), len(kept))
        value = (
            edit.value if isinstance(edit.value, str) else msgspec.json.encode(edit.value).decode()
        )
        fields = kept if edit.removes else [*kept[:place], (name, value), *kept[place:]]
    return msgspec.structs.replace(
        request, body=urlencode(fields, errors="surrogateescape").encode()
    )


def _set(value: Any, path: Path, new: Any) -> Any:
    """Return the value with a place set; objects on the way are made, lists are not."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        if not isinstance(value, dict):
            raise UsageError(f"`{format_path(path)}` is inside a value that is not an object")
        value[step] = _set(value.get(step, {} if rest else None), rest, new)
        return value
    if not isinstance(value, list) or not -len(value) <= step < len(value):
        raise UsageError(f"there is no element [{step}] to set")
    value[step] = _set(value[step], rest, new)
    return value


def _remove(value: Any, path: Path) -> Any:
    """Return the value without a place; one that is not there is no error."""
    parent = value
    for step in path[:-1]:
        if isinstance(parent, dict) and isinstance(step, str):
            parent = parent.get(step)
        elif (
            isinstance(parent, list)
            and isinstance(step, int)
            and -len(parent) <= step < len(parent)
        ):
            parent = parent[step]
        else:
            return value
    last = path[-1]
    if isinstance(parent, dict) and isinstance(last, str):
        parent.pop(last, None)
    elif isinstance(parent, list) and isinstance(last, int) and -len(parent) <= last < len(parent):
        del parent[last]
    return value


def signer(name: str, sources: Mapping[str, Source]) -> Source | None:
    """Return the source that signs what came as `name`: itself, or the only one of that provider.

    What `forward` stored has the name of a provider, not of a source.
    """
    own = sources.get(name)
    if own is not None:
        return own
    found = [one for one in sources.values() if (one.provider or "").partition("/")[0] == name]
    return found[0] if len(found) == 1 and name else None


def resigned(request: RawRequest, source: Source, *, now: int) -> RawRequest:
    """Return the request signed as the source's provider would sign it now.

    A source without a signature needs none. Raises UsageError where it cannot be signed.
    """
    if source.scheme.key_family is None and not source.scheme.needs_secret:
        return request
    if source.scheme.key_family is None and not source.secrets:
        raise UsageError(f"source `{source.name}` has no secret to sign with")
    if source.scheme.key_family is not None:
        raise UsageError(
            f"only the provider's private key could sign for source `{source.name}`",
            hint="send it as it is with --as-is, or sign with a key of your own: hookagent sign",
        )
    return sign(
        source.scheme,
        request,
        source.secrets[0],
        now=now,
        settings=dict(source.settings),
        base_url=source.base_url or "",
    )


def at_source(request: RawRequest, source: Source) -> RawRequest:
    """Return the request aimed at the source's path, its query kept."""
    target = source.path + (f"?{request.query}" if request.query else "")
    return msgspec.structs.replace(request, target=target)
