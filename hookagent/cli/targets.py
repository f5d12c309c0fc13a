"""What `replay`, `verify` and others are pointed at: a capture of any format, `-`, a stored id."""

import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from hookagent.errors import NotFound, UsageError
from hookagent.eventfile import Captured

if TYPE_CHECKING:
    from hookagent.store.base import Store

STORED = ("evt_", "rej_")
STDIN_MAX = 256 * 1024 * 1024
STDIN_PART = 1024 * 1024


def is_stored(target: str) -> bool:
    """Whether a target is the id of something in the store."""
    return target.startswith(STORED) and not Path(target).exists()


def read_file(target: str, form: str = "") -> list[Captured]:
    """Read a file or stdin; `form` is a format of `pipeline.captures`, empty to find out.

    Raises UsageError for what is no capture, NotFound where there is no file.
    """
    from hookagent.pipeline.captures import parse

    if target == "-":
        return list(parse(read_stdin(), "standard input", form=form))
    path = Path(target)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(
            f"no file `{target}`",
            hint="give an event file, a payload, a HAR, curl, a stored id or `-`",
        ) from None
    except OSError as error:
        raise UsageError(f"cannot read `{target}`: {error.strerror}") from None
    return list(parse(data, f"`{target}`", form=form))


def read_stdin() -> bytes:
    """Read standard input to its end. An event loop that is running would swallow a Ctrl-C.

    Raises UsageError where it does not end.
    """
    if threading.current_thread() is not threading.main_thread():
        return _to_its_end()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return _to_its_end()
    finally:
        signal.signal(signal.SIGINT, before)


def _to_its_end() -> bytes:
    parts: list[bytes] = []
    left = STDIN_MAX
    while part := sys.stdin.buffer.read(STDIN_PART):
        parts.append(part)
        left -= len(part)
        if left < 0:
            raise UsageError(f"standard input is larger than {STDIN_MAX >> 20} MiB")
    return b"".join(parts)


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
