"""An answer as the bytes of HTTP/1.1."""

from http import HTTPStatus

from hookagent.pipeline.answer import Answer

HEADS_MAX = 256
"""Kept response heads; handshakes that echo could otherwise grow them."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
"""What a sender with `Expect: 100-continue` waits for before its body (RFC 9110 10.1.1)."""

_heads: dict[tuple[int, str, tuple[tuple[str, str], ...], bool], bytes] = {}


def render(answer: Answer, *, close: bool) -> bytes:
    """Write an answer; heads are few and kept."""
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
    return b"%b%d\r\n\r\n%b" % (head, len(answer.body), answer.body)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"
