"""The page's files: read once, served from memory with a tag; nothing outside this list exists."""

import gzip
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

import hookagent.server

STATIC = Path(hookagent.server.__file__).parent / "static"
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
CLOSED = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>hookagent</title>
<p>This is the inspector of a running hookagent. Open it with the address that
<code>hookagent serve</code> printed when it started: it holds the token.</p></html>
"""


class File(NamedTuple):
    """One of the page's files."""

    data: bytes
    packed: bytes
    """The same, compressed."""
    media: str
    tag: str


@lru_cache(maxsize=1)
def files() -> dict[str, File]:
    """Return every file of the page by its path."""
    found = {}
    for path in sorted(STATIC.rglob("*")):
        media = TYPES.get(path.suffix)
        if media is None or not path.is_file():
            continue
        data = path.read_bytes()
        tag = sha256(data).hexdigest()[:32]
        packed = gzip.compress(data, mtime=0)
        found[path.relative_to(STATIC).as_posix()] = File(data, packed, media, tag)
    return found


def closed() -> web.Response:
    """Say to a person without a token how to come in."""
    return web.Response(status=401, text=CLOSED, content_type="text/html")


async def index(request: web.Request) -> web.Response:
    """Serve the page."""
    return _served(request, files()["index.html"])


async def static(request: web.Request) -> web.Response:
    """Serve one of the page's files, by its exact name."""
    found = files().get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    return _served(request, found)


async def icon(request: web.Request) -> web.Response:
    """Serve what browsers ask for unasked."""
    return _served(request, files()["icon.svg"])


def _served(request: web.Request, file: File) -> web.Response:
    """Answer with a file, or with nothing where the browser has it as it is."""
    headers = {
        "ETag": f'"{file.tag}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    body = file.data
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        body = file.packed
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, content_type=file.media, charset="utf-8", headers=headers)


ROUTES = (
    web.get("/", index),
    web.get("/static/{name:.+}", static),
    web.get("/favicon.ico", icon),
)
