"""Events in the forms people paste elsewhere, secrets masked, and bodies as downloads."""

from collections.abc import Callable, Mapping

import msgspec
from aiohttp import web

from hookagent.errors import NotFound
from hookagent.eventfile import Captured
from hookagent.pipeline import exports
from hookagent.pipeline.regression import to_pytest
from hookagent.server.inspector.answers import download, json
from hookagent.server.inspector.asking import captured_or_fail, shown
from hookagent.server.inspector.parts import PARTS
from hookagent.version import hookagent_version

Form = Callable[[Captured, str], str]


def _har(captured: Captured, _url: str) -> str:
    archive = exports.to_har([captured], hookagent_version())
    return msgspec.json.format(msgspec.json.encode(archive), indent=2).decode()


FORMS: Mapping[str, tuple[Form, str]] = {
    "curl": (lambda captured, url: exports.to_curl(captured.request, url), "sh"),
    "httpie": (lambda captured, url: exports.to_httpie(captured.request, url), "sh"),
    "python": (lambda captured, url: exports.to_python(captured.request, url), "py"),
    "replay": (lambda captured, _: exports.to_command(captured.id), "sh"),
    "json": (lambda captured, _: exports.to_event_line(captured), "json"),
    "har": (_har, "har"),
}
"""Every form but `pytest` by name: what writes it, and a file's suffix."""


async def exported(request: web.Request) -> web.Response:
    """Return an event or a refused delivery in a form; with `?download=1` as a file."""
    parts = request.app[PARTS]
    name = request.match_info["form"]
    found = await captured_or_fail(parts.store, request.match_info["id"])
    captured = shown(found, parts.config)
    if name not in {*FORMS, "pytest"}:
        raise NotFound.among("export form", name[:40], [*FORMS, "pytest"])
    if name == "pytest":
        text, suffix = to_pytest([captured], parts.config), "py"
    else:
        write, suffix = FORMS[name]
        text = write(captured, parts.listener + captured.request.target)
    if request.query.get("download") == "1":
        return download(text.encode(), f"{captured.id}.{suffix}")
    return json({"form": name, "text": text})


async def body(request: web.Request) -> web.Response:
    """Return a body, its very bytes, as a file."""
    found = await captured_or_fail(request.app[PARTS].store, request.match_info["id"])
    return download(found.request.body, f"{found.id}.body")


ROUTES = (
    web.get("/api/events/{id}/export/{form}", exported),
    web.get("/api/events/{id}/body", body),
)
