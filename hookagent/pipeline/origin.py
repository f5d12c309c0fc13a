"""How a replay, and an event fetched from a provider's log, tell the front door what they are.

Both are sent to the listener like any delivery, with one more header: the original's id or the word
`fetched`, a number used once and a proof made with a key that only this state folder holds. A
stranger who forges the header is an ordinary delivery. It is taken off before the event is stored.
"""

import hmac
import os
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes

import msgspec

from hookagent.event import Origin, RawRequest, content_key
from hookagent.verdict import Code, Integrity, Verdict

REPLAY_HEADER = "X-Hookagent-Replay"
KEY_FILE = "replay.key"
KEY_BYTES = 32


class ReplayMark(msgspec.Struct, frozen=True):
    """What a genuine replay header says."""

    parent: str
    nonce: str
    origin: Origin = Origin.REPLAY


FETCHED = str(Origin.FETCHED)
"""Stands where a replay names its original, which no id can be."""


def mark_fetched(request: RawRequest, *, nonce: str, key: bytes) -> RawRequest:
    """Return the request with the header that says it was read from the provider's log."""
    return mark_replay(request, parent=FETCHED, nonce=nonce, key=key)


def fetched(request: RawRequest, judged: Verdict) -> Verdict:
    """Return the verdict on a fetched event: TLS proves its origin, and nothing is called signed.

    Where the provider's log has the very bytes it signed, their key stays, so that the delivery
    itself is the same event when it arrives after all.
    """
    return Verdict(
        valid=True,
        scheme=judged.scheme,
        code=Code.UNCHECKED,
        integrity=Integrity.ORIGIN,
        content_key=content_key(request, judged) if judged.valid else b"",
        detail="read from the provider's log over TLS; no signature was relied upon",
    )


def mark_replay(request: RawRequest, *, parent: str, nonce: str, key: bytes) -> RawRequest:
    """Return the request with the header that makes it a replay of `parent`."""
    value = f"{parent};{nonce};{_proof(key, parent, nonce, request.body)}"
    return msgspec.structs.replace(
        request, headers=request.headers.with_fields({REPLAY_HEADER: value})
    )


def read_mark(request: RawRequest, key: bytes) -> ReplayMark | None:
    """Return the mark of a genuine replay, None for everything else."""
    values = request.headers.all(REPLAY_HEADER)
    if len(values) != 1:
        return None
    parts = values[0].decode("latin-1").split(";")
    if len(parts) != 3:  # noqa: PLR2004 - id, nonce, proof
        return None
    parent, nonce, proof = parts
    expected = _proof(key, parent, nonce, request.body)
    if not hmac.compare_digest(proof.encode("latin-1"), expected.encode("ascii")):
        return None
    if parent == FETCHED:
        return ReplayMark("", nonce, Origin.FETCHED)
    return ReplayMark(parent, nonce)


def _proof(key: bytes, parent: str, nonce: str, body: bytes) -> str:
    message = f"{parent};{nonce};".encode("utf-8", "replace") + sha256(body).digest()
    return hmac.new(key, message, sha256).hexdigest()


def replay_key(state_folder: Path) -> bytes:
    """Return the folder's key, made on first use with mode 0600."""
    path = state_folder / KEY_FILE
    state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        key = token_bytes(KEY_BYTES)
        file.write(key)
    return key
