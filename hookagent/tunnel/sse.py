"""Server-sent events from bytes: feed it what arrives, take the events that are complete. Pure.

As the HTML standard says (https://html.spec.whatwg.org/multipage/server-sent-events.html, section
9.2.6), with a bound on what one event may hold. `retry` is ignored: the pauses are ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass

EVENT_BYTES_MAX = 32 * 1024 * 1024
"""Beyond the largest body a relay passes on (smee 25 MiB); more is not buffered."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event of a stream."""

    event: str
    """`message` where the stream names none."""
    data: bytes
    id: str = ""


class TooLarge(ValueError):
    """An event is larger than may be held."""


class Parser:
    """Turns the bytes of a stream into its events."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        self._data: list[bytes] = []
        self._held = 0
        self._event = ""
        self._id = ""
        self._is_first = True
        self._waiting = 0
        self._has_half = False

    def feed(self, piece: bytes) -> Iterator[Message]:
        """Take some bytes; yield the events they complete. Raises TooLarge."""
        self._waiting += len(piece)
        if self._held + self._waiting > EVENT_BYTES_MAX:
            raise TooLarge(f"an event of more than {EVENT_BYTES_MAX} bytes")
        self._pending.append(piece)
        if b"\n" not in piece and b"\r" not in piece and not self._has_half:
            return  # a long line is put together once, when its end is here
        *lines, rest = _split(b"".join(self._pending))
        self._pending, self._waiting, self._has_half = [rest], len(rest), rest.endswith(b"\r")
        for line in lines:
            message = self._line(line)
            if message is not None:
                yield message

    def _line(self, line: bytes) -> Message | None:
        if self._is_first:
            self._is_first = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._held += len(value) + 1
        elif field == b"event":
            self._event = value.decode("utf-8", "replace")
        elif field == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")
        return None

    def _dispatch(self) -> Message | None:
        data, event = self._data, self._event
        self._data, self._event, self._held = [], "", 0
        if not data:
            return None
        return Message(event or "message", b"\n".join(data), self._id)


def _split(text: bytes) -> list[bytes]:
    """Split at line ends of every kind; a carriage return at the very end may be half of one."""
    held = b""
    if text.endswith(b"\r"):
        text, held = text[:-1], b"\r"
    lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    lines[-1] += held
    return lines
