"""An answer as the bytes of HTTP/1.1."""

from http import HTTPStatus

from hookagent.pipeline.answer import Answer

HEADS_MAX = 256
"""Kept response heads; handshakes that echo could otherwise grow them."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
"""What a sender with `Expect: 100-continue` waits for before its body (RFC 9110 10.1.1)."""

_heads: dict[tuple[int, str, tuple[tuple[str, str], ...], bool], bytes] = {}


BODILESS = frozenset({204, 304})
"""Answers that end with their head; bytes after it would be taken for the next answer."""


def render(answer: Answer, *, close: bool, is_head: bool = False) -> bytes:
    """Write an answer; heads are few and kept. `is_head` is of the request (RFC 9110 9.3.2)."""
    key = (answer.status, answer.content_type, answer.headers, close)
    head = _heads.get(key)
    if head is None:
        lines = [
            f"HTTP/1.1 {answer.status} {_reason(answer.status)}",
            "Server: hookagent",
            "X-Content-Type-Options: nosniff",
            f"Content-Type: {answer.content_type}",
            *(f"{name}: {value}" for name, value in answer.headers),
            *(("Connection: close",) if close else ()),
            "Content-Length: ",
        ]
        head = "\r\n".join(lines).encode("latin-1", "replace")
        if len(_heads) < HEADS_MAX:
            _heads[key] = head
    if answer.status in BODILESS:
        return head.removesuffix(b"Content-Length: ") + b"\r\n"
    if is_head:
        return b"%b%d\r\n\r\n" % (head, len(answer.body))
    return b"%b%d\r\n\r\n%b" % (head, len(answer.body), answer.body)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"
