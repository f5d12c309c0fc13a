"""How a body can be shown, and where it stops being what it says it is."""

from typing import Any

from hookagent import payload
from hookagent.config.model import Source
from hookagent.event import RawRequest
from hookagent.pipeline.gate import reader_of

ENDED = "truncated"
"""How the reader says that a body ends in the middle of a value."""


def body_info(source: Source | None, request: RawRequest) -> dict[str, Any]:
    """Say how a body can be shown, and where it stops being JSON if it was to be JSON."""
    media = request.headers.text("content-type") or ""
    read = reader_of(source)(request)
    info: dict[str, Any] = {"media": media, "size": len(request.body), "error": None}
    is_promised = "json" in media or (source is not None and source.body != "any")
    if isinstance(read, payload.Unparsed) and is_promised:
        offset = len(request.body) if read.reason.endswith(ENDED) else read.offset
        info["error"] = {"reason": read.reason, "offset": offset}
        if offset is not None:
            before = request.body[:offset]
            info["error"]["line"] = before.count(b"\n") + 1
            last = before.rpartition(b"\n")[2]
            info["error"]["column"] = len(last.decode("utf-8", "replace")) + 1
    return info
