"""Requests as bytes, sent over a plain socket: what no HTTP library would let through."""

import socket

from tests.patience import PATIENCE_S
from tests.whole.served import signature

PATH = b"/hooks/shop"


def talk(
    port: int, data: bytes, *, wait_s: float = PATIENCE_S, answers: int = 1, end: bool = False
) -> bytes:
    """Send bytes and return everything that comes back until it closes or falls silent.

    Silence is waited for in full until so many answers are there, and for a moment after them.
    `end` closes our side after sending. A reset counts as the end of the answer.
    """
    with socket.create_connection(("127.0.0.1", port), wait_s) as connection:
        parts = []
        try:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
            connection.settimeout(wait_s)
            while part := connection.recv(65_536):
                parts.append(part)
                if whole(b"".join(parts)) >= answers:
                    connection.settimeout(0.05)
        except (TimeoutError, ConnectionError):
            pass  # silence, or a reset after the answer: what came so far is the answer
        return b"".join(parts)


def whole(data: bytes) -> int:
    """Count the answers that are there in full."""
    count = 0
    while True:
        head, found, body = data.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if not (found and length.isdigit() and len(body) >= int(length)):
            return count
        count += 1
        data = body[int(length) :]


def statuses(answer: bytes) -> list[int]:
    """Return the status of each answer in the bytes."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def signed(body: bytes, *headers: bytes, path: bytes = PATH, version: bytes = b"1.1") -> bytes:
    """Return a genuine request with more header lines."""
    lines = [
        b"POST %b HTTP/%b" % (path, version),
        b"Host: x",
        b"X-Shop-Signature: " + signature(body).encode(),
        b"Content-Length: %d" % len(body),
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(body: bytes, *headers: bytes, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    """Return a genuine request whose body is one chunk."""
    lines = [
        b"POST %b HTTP/1.1" % PATH,
        b"Host: x",
        b"X-Shop-Signature: " + signature(body).encode(),
        b"Transfer-Encoding: chunked",
        *headers,
    ]
    end = b"0\r\n" + trailer + b"\r\n"
    piece = b"%x%b\r\n%b\r\n" % (len(body), extension, body)
    return b"\r\n".join(lines) + b"\r\n\r\n" + piece + end


def alive(port: int) -> bool:
    """Say whether a request of a healthy client is answered."""
    answer = talk(port, b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    return statuses(answer) == [404]
