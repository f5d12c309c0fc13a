"""`file`: append one line to a file."""

import asyncio
import contextlib
import errno
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import msgspec

from hookagent import eventfile
from hookagent.actions.base import Call, Outside
from hookagent.actions.values import FileName, Json, Text, encode_json
from hookagent.event import Event
from hookagent.job import Again, Done, Never, Outcome
from hookagent.redact import is_sensitive
from hookagent.template import Scope

about = "Append one line to a file: a text, a JSON value, or the event as `replay` reads it."
leaves = '`{"path", "bytes"}`.'
example = """\
action = "file"
path = "logs/{{ @received_at | date }}.jsonl"
json = { id = "{{ @id }}", total = "{{ total }}" }
"""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, and what."""

    path: Annotated[
        FileName,
        msgspec.Meta(
            description=(
                "The file; relative paths stay inside the project folder, whatever is inserted. "
                "Missing folders are made. Symbolic links are not followed."
            ),
            examples=["logs/{{ @received_at | date }}.jsonl"],
        ),
    ]
    line: Annotated[
        Text | None,
        msgspec.Meta(description="The line as text; line ends in values become `\\n`."),
    ] = None
    json: Annotated[
        Json | None,
        msgspec.Meta(
            description=(
                "The line as JSON. With neither `line` nor `json` it is the event as an event "
                "file, without the headers that hold secrets."
            ),
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.line is not None and self.json is not None:
            raise ValueError("`line` and `json` do not go together: one line")
        path = PurePosixPath(self.path.source)
        if ".." in path.parts:
            raise ValueError("`path` must not climb with `..`")
        if not self.path.source.strip() or self.path.source.endswith("/"):
            raise ValueError("`path` must name a file")


def starts(options: Mapping[str, Any]) -> str | None:
    """Return what must be allowed: a file outside the project may be one that a shell reads."""
    path = str(options.get("path", ""))
    return f">> {path}" if PurePosixPath(path).is_absolute() or "${" in path else None


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The file and the line."""

    path: str
    line: str


def prepare(options: Options, scope: Scope) -> Prepared:
    """Fill path and line. Raises TemplateError."""
    if options.line is not None:
        line = options.line.fill(scope).replace("\r", "\\r").replace("\n", "\\n")
    else:
        value = _archived(scope.event) if options.json is None else options.json.fill(scope)
        line = encode_json(value).decode()
    return Prepared(path=options.path.fill(scope), line=line)


def _archived(event: Event) -> dict[str, Any]:
    """Return the event as an event file without the headers that hold secrets."""
    secret = [name for name, _ in event.request.headers.items() if is_sensitive(name)]
    request = msgspec.structs.replace(event.request, headers=event.request.headers.without(*secret))
    captured = eventfile.Captured(
        request=request, id=event.id, source=event.source, type=event.type,
    )  # fmt: skip
    return eventfile.to_object(captured)


async def run(prepared: Prepared, _call: Call, outside: Outside) -> Outcome:
    """Append in one write, on a thread."""
    line = prepared.line.encode("utf-8", "replace") + b"\n"
    try:
        await asyncio.to_thread(append, outside.folder, prepared.path, line)
    except OSError as error:
        reason = f"`{prepared.path}` cannot be written: {error.strerror or error}"
        if error.errno in _PASSING:
            return Again(error=reason)
        return Never(error=reason)
    return Done({"path": prepared.path, "bytes": len(line)})


_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE})
"""What may be mended while we wait; a missing permission or a link in the way is not."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def append(folder: Path, path: str, line: bytes) -> None:
    """Append to a file, made with mode 0600. Raises OSError, also for a link on the way.

    A relative path is walked folder by folder from the project folder, none of them a link; an
    absolute one was written by the rule's author and only its last part must not be a link.
    """
    parts = PurePosixPath(path)
    start = parts.parent if parts.is_absolute() else folder
    opened = [os.open(start, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
    try:
        for name in () if parts.is_absolute() else parts.parts[:-1]:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=opened[-1])
            opened.append(os.open(name, _FOLDER, dir_fd=opened[-1]))
        opened.append(os.open(parts.name, _FILE, 0o600, dir_fd=opened[-1]))
        os.write(opened[-1], line)
    finally:
        for descriptor in opened:
            os.close(descriptor)
