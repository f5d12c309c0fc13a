"""What `replay`, `verify` and others are pointed at: a file, `-`, a stored id, a HAR."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from hookagent.errors import NotFound, UsageError
from hookagent.event import Headers, RawRequest
from hookagent.eventfile import Captured, parse_time, read

if TYPE_CHECKING:
    from hookagent.store.base import Store

STORED = ("evt_", "rej_")


def is_stored(target: str) -> bool:
    """Whether a target is the id of something in the store."""
    return target.startswith(STORED) and not Path(target).exists()


def read_file(target: str) -> list[Captured]:
    """Read a file or stdin. Raises UsageError for what is no capture, NotFound for no file."""
    if target == "-":
        return list(parse(sys.stdin.buffer.read(), "standard input"))
    path = Path(target)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(
            f"no file `{target}`", hint="give an event file, a payload, a HAR, a stored id or `-`"
        ) from None
    except OSError as error:
        raise UsageError(f"cannot read `{target}`: {error.strerror}") from None
    return list(parse(data, f"`{target}`"))


def parse(data: bytes, name: str) -> Iterator[Captured]:
    """Read captures from bytes: event file, JSON Lines, bare payload or HAR."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    entries = _har_entries(value)
    if entries is None:
        yield from read(data, name=name)
        return
    for number, entry in enumerate(entries, start=1):
        yield _from_har(entry, f"{name}, entry {number}")


def _har_entries(value: Any) -> list[Any] | None:
    log = value.get("log") if isinstance(value, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    return entries if isinstance(entries, list) else None


def _from_har(entry: Any, name: str) -> Captured:
    """Read one entry of a HAR 1.2 archive (w3c.github.io/web-performance/specs/HAR)."""
    try:
        request = entry["request"]
        parts = urlsplit(str(request["url"]))
        fields = [(str(one["name"]), str(one["value"])) for one in request.get("headers", [])]
        text = (request.get("postData") or {}).get("text", "")
        started = str(entry.get("startedDateTime", ""))
        method = str(request.get("method", "POST"))
    except (KeyError, TypeError, AttributeError):
        raise UsageError(f"{name} is not a HAR entry with a request") from None
    try:
        received_at = parse_time(started) if started else 0
    except ValueError:
        received_at = 0
    return Captured(
        request=RawRequest(
            method=method,
            target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            base_url=f"{parts.scheme}://{parts.netloc}" if parts.netloc else "",
            headers=Headers.of([pair for pair in fields if not pair[0].startswith(":")]),
            body=str(text).encode(),
            received_at=received_at,
        )
    )


async def load(target: str, store: "Store | None") -> list[Captured]:
    """Return what a target stands for. Raises NotFound or UsageError."""
    if not is_stored(target):
        return read_file(target)
    assert store is not None
    if target.startswith("rej_"):
        rejected = await store.rejection(target)
        if rejected is None:
            raise NotFound(
                f"no refused delivery `{target}`",
                hint="only the latest are kept; hookagent inspect --rejected lists them",
            )
        return [Captured(request=rejected.request, id=rejected.id, source=rejected.source)]
    from hookagent.cli.storing import event_or_fail

    record = await event_or_fail(store, target)
    event = record.event
    return [Captured(request=event.request, id=event.id, source=event.source, type=event.type)]
