"""Applications under test, one of each kind: a careful receiver of GitHub's webhooks."""

import hmac
from hashlib import sha256

import pytest


def is_genuine(secret, body, signature):
    expected = "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()
    return hmac.compare_digest(expected, signature or "")


def asgi_app(secret, started=None):
    """Make an ASGI application that checks, with a lifespan that takes notes."""
    notes = [] if started is None else started

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                notes.append(message["type"])
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        headers = dict(scope["headers"])
        body = (await receive())["body"]
        good = is_genuine(secret, body, headers.get(b"x-hub-signature-256", b"").decode())
        notes.append((scope["method"], scope["path"], scope["query_string"], body))
        await send({"type": "http.response.start", "status": 200 if good else 403,
                    "headers": [(b"content-type", b"application/json")]})  # fmt: skip
        await send({"type": "http.response.body", "body": b'{"ok":', "more_body": True})
        await send({"type": "http.response.body", "body": b"true}" if good else b"false}"})

    return app


def wsgi_app(secret):
    """Make a WSGI application that checks."""

    def app(environ, start_response):
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        good = is_genuine(secret, body, environ.get("HTTP_X_HUB_SIGNATURE_256"))
        start_response(
            "200 OK" if good else "403 Forbidden", [("Content-Type", "application/json")]
        )
        return [b'{"ok":', b"true}" if good else b"false}"]

    return app


def aiohttp_app(secret):
    """Make an aiohttp application that checks."""
    from aiohttp import web

    async def handle(request):
        body = await request.read()
        good = is_genuine(secret, body, request.headers.get("X-Hub-Signature-256"))
        return web.json_response({"ok": good}, status=200 if good else 403)

    app = web.Application()
    app.router.add_post("/{path:.*}", handle)
    return app


MAKERS = {"asgi": asgi_app, "wsgi": wsgi_app, "aiohttp": aiohttp_app}


@pytest.fixture(params=sorted(MAKERS))
def make_app(request):
    """Give what makes an application of each kind."""
    return MAKERS[request.param]
