"""Proof that a public URL leads to this listener, and to nothing else of ours.

The listener answers `GET /.well-known/hookagent/NONCE` with the nonce as its body, but only for the
nonce of its own process: another hookagent at the same address, or a provider's page, fails the
proof. So does our own inspector, which must never be public and marks its answers.
"""

import secrets
from collections.abc import Mapping

from hookagent.tunnel.supervisor import Probe, Reached

PROBE_PATH = "/.well-known/hookagent/"
INSPECTOR_MARK = "X-Hookagent-Inspector"
"""A header of every answer of the inspector, refusals included; the listener never sends it."""
PROBE_SECONDS = 5.0
ANSWER_BYTES_MAX = 256
HEADERS: Mapping[str, str] = {
    "User-Agent": "hookagent-probe",
    # ngrok's free plan shows browsers a page of its own; this header skips it.
    "ngrok-skip-browser-warning": "1",
}


def new_nonce() -> str:
    """Draw the word by which one process knows itself: 32 hex digits."""
    return secrets.token_hex(16)


def http_probe(nonce: str) -> Probe:
    """Return a probe that looks for the listener knowing this nonce."""

    async def probe(url: str) -> Reached:
        import aiohttp

        limit = aiohttp.ClientTimeout(total=PROBE_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit, headers=HEADERS) as session,
                session.get(url + PROBE_PATH + nonce, allow_redirects=False) as answer,
            ):
                if INSPECTOR_MARK in answer.headers:
                    return Reached.INSPECTOR
                said = await answer.content.read(ANSWER_BYTES_MAX)
                return judge(answer.status, said, nonce)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Reached.NOTHING

    return probe


def judge(status: int, said: bytes, nonce: str) -> Reached:
    """Say whose answer this is."""
    if status == OK and said.strip() == nonce.encode():
        return Reached.OURS
    return Reached.NOTHING if status >= SERVER_ERROR else Reached.OTHER


OK = 200
SERVER_ERROR = 500
