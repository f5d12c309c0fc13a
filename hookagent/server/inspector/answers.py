"""What the inspector answers with: JSON, never cached, never framed, never sniffed.

Payloads reach a browser only as JSON or as a download; no answer holds markup made from them.
"""

import re
from typing import Any

import msgspec
from aiohttp import web

from hookagent.errors import ConfigError, HookagentError, NotFound, OutsideError, UsageError
from hookagent.server.inspector.guard import Refused
from hookagent.store.base import StoreUnavailable

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
SANDBOX = "sandbox; default-src 'none'"
"""For downloads: whatever they hold, nothing of it runs."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
    "Server": "hookagent",
}
"""On every answer; an answer that set one of them itself keeps its own."""

_UNSAFE_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def json(value: Any, status: int = 200) -> web.Response:
    """Answer with JSON."""
    body = msgspec.json.encode(value)
    return web.Response(status=status, body=body, content_type="application/json")


def turned_away(reason: Refused) -> web.Response:
    """Answer a request that is not to be served."""
    return json({"error": reason.error, "message": reason.message}, reason.status)


def failed(error: HookagentError) -> web.Response:
    """Answer with what went wrong and what mends it."""
    value: dict[str, Any] = {"error": _code(error), "message": error.message}
    if error.hint:
        value["hint"] = error.hint
    if isinstance(error, ConfigError):
        value["problems"] = [problem_document(problem) for problem in error.problems]
    return json(value, _status(error))


def problem_document(problem: Any) -> dict[str, Any]:
    """Return one problem of a file as JSON."""
    shown: dict[str, Any] = msgspec.to_builtins(problem)
    return shown


def download(body: bytes, name: str) -> web.Response:
    """Answer with bytes to be saved, whatever they hold."""
    safe = _UNSAFE_NAME.sub("_", name)[:120] or "download"
    return web.Response(
        body=body,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{safe}"',
            "Content-Security-Policy": SANDBOX,
        },
    )


def _status(error: HookagentError) -> int:
    match error:
        case NotFound():
            return 404
        case UsageError() | ConfigError():
            return 422
        case StoreUnavailable():
            return 503
        case OutsideError():
            return 502
        case _:
            return 409


def _code(error: HookagentError) -> str:
    match error:
        case NotFound():
            return "not-found"
        case ConfigError():
            return "wrong-rules"
        case UsageError():
            return "wrong-request"
        case StoreUnavailable():
            return "store-unavailable"
        case OutsideError():
            return "outside"
        case _:
            return "no"
