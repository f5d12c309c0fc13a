"""A source's public address as a QR code, for pasting it into a provider's page on a phone."""

import io

from aiohttp import web

from hookagent.errors import NotFound
from hookagent.server.inspector.answers import json
from hookagent.server.inspector.parts import PARTS


async def code(request: web.Request) -> web.Response:
    """Return the modules of a source's code, row by row, 1 for dark."""
    parts = request.app[PARTS]
    source = parts.config.source(request.match_info["name"])
    url = parts.public.urls(parts.public.url).get(source.name)
    if url is None:
        raise NotFound(
            f"source `{source.name}` has no public address",
            hint="start with a tunnel: hookagent serve --tunnel ngrok",
        )
    return json({"url": url, "rows": rows(url)})


def rows(text: str) -> list[str]:
    """Return the code's rows of `0` and `1`, without the quiet zone."""
    import segno

    out = io.StringIO()
    segno.make(text, micro=False).save(out, kind="txt", border=0)
    return out.getvalue().split()


ROUTES = (web.get("/api/sources/{name}/qr", code),)
