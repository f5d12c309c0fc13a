"""The page's files: read once, served from memory with a tag; nothing outside this list exists."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

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


@lru_cache(maxsize=1)
def files() -> dict[str, tuple[bytes, str, str]]:
    """Return every file of the page by its path: its bytes, type and tag."""
    found = {}
    for path in sorted(STATIC.rglob("*")):
        media = TYPES.get(path.suffix)
        if media is None or not path.is_file():
            continue
        data = path.read_bytes()
        found[path.relative_to(STATIC).as_posix()] = (data, media, sha256(data).hexdigest()[:32])
    return found


def closed() -> web.Response:
    """Say to a person without a token how to come in."""
    return web.Response(status=401, text=CLOSED, content_type="text/html")


async def index(_request: web.Request) -> web.Response:
    """Serve the page."""
    data, media, _ = files()["index.html"]
    return web.Response(body=data, content_type=media, charset="utf-8")


async def static(request: web.Request) -> web.Response:
    """Serve one of the page's files, by its exact name."""
    found = files().get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    data, media, tag = found
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    return web.Response(body=data, content_type=media, charset="utf-8", headers=headers)


async def icon(_request: web.Request) -> web.Response:
    """Browsers ask for it unasked."""
    data, media, _ = files()["icon.svg"]
    return web.Response(body=data, content_type=media)


ROUTES = (
    web.get("/", index),
    web.get("/static/{name:.+}", static),
    web.get("/favicon.ico", icon),
)
