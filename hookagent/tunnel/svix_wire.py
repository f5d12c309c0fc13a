"""The messages of Svix's relay, version 1. Pure.

Both sides send JSON: `{"type": "start", "version": 1, "data": {"token": "c_…"}}` opens a channel;
`{"type": "event", …, "data": {"id", "method", "headers", "body"}}` is a request, its body in
base64, and is answered by `{"type": "event", …, "data": {"id", "status", "headers", "body"}}`. The
path and the query of the request are not carried; its bytes are.
"""

import re
import secrets
import string
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any

import msgspec

from hookagent.tunnel.courier import Answer
from hookagent.tunnel.relayed import Relayed, passed_on

VERSION = 1
TOKEN = re.compile(r"c_[0-9A-Za-z]{10}")
TOKEN_LETTERS = string.digits + string.ascii_letters
PUBLIC = "https://play.svix.com/in/{token}"


class Started(msgspec.Struct, frozen=True):
    """The channel is open."""

    token: str


class Arrived(msgspec.Struct, frozen=True):
    """A request that wants an answer."""

    id: str
    request: Relayed


def new_token() -> str:
    """Draw a channel that nobody else has."""
    return "c_" + "".join(secrets.choice(TOKEN_LETTERS) for _ in range(10))


def find_token(channel: str) -> str:
    """Return the token in a channel's address, or the token itself; empty where there is none."""
    found = TOKEN.search(channel)
    return found[0] if found else ""


def public_url(token: str) -> str:
    """Return the address that senders are given."""
    return PUBLIC.format(token=token)


def start_message(token: str) -> str:
    """Return the message that opens a channel."""
    return _message("start", {"token": token}).decode()


def answer_message(event_id: str, answer: Answer) -> bytes:
    """Return the message that answers a request."""
    return _message(
        "event",
        {
            "id": event_id,
            "status": answer.status,
            "headers": dict(answer.headers),
            "body": b64encode(answer.body).decode(),
        },
    )


def read(text: str | bytes) -> Started | Arrived | None:
    """Read a message; None where it is none of ours."""
    try:
        message = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    data = message.get("data") if isinstance(message, dict) else None
    if not isinstance(data, dict) or message.get("version") != VERSION:
        return None
    if message.get("type") == "start":
        token = data.get("token")
        return Started(token) if isinstance(token, str) and TOKEN.fullmatch(token) else None
    return _arrived(data) if message.get("type") == "event" else None


def _arrived(data: dict[str, Any]) -> Arrived | None:
    event_id, headers = data.get("id"), data.get("headers")
    method = str(data.get("method") or "POST").upper()
    if not isinstance(event_id, str) or not method.isalpha() or not method.isascii():
        return None
    try:
        body = b64decode(str(data.get("body") or ""), validate=True)
    except (Base64Error, ValueError):
        return None
    fields = headers.items() if isinstance(headers, dict) else ()
    pairs = passed_on((name, value) for name, value in fields if isinstance(value, str))
    return Arrived(event_id, Relayed(method=method, headers=pairs, body=body, is_exact=True))


def _message(kind: str, data: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"type": kind, "version": VERSION, "data": data})
