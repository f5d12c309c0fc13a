"""The yardstick: an aiohttp application that reads the body, answers 200 and stores nothing.

With a secret as its second argument it verifies the HMAC too.
"""

import hmac
import sys
from collections.abc import Awaitable, Callable
from hashlib import sha256

from aiohttp import web

ANSWER = {"status": "accepted", "id": "evt_018c0000000000000000000"}


async def answer(request: web.Request) -> web.Response:
    """Read and forget."""
    await request.read()
    return web.json_response(ANSWER)


def verified(secret: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler that reads, verifies and forgets."""
    key = secret.encode()

    async def verify(request: web.Request) -> web.Response:
        made = "sha256=" + hmac.new(key, await request.read(), sha256).hexdigest()
        if not hmac.compare_digest(made, request.headers.get("X-Bench-Signature", "")):
            return web.json_response({"error": "forbidden"}, status=403)
        return web.json_response(ANSWER)

    return verify


def main() -> None:
    """Serve on 127.0.0.1 at the port given."""
    app = web.Application(client_max_size=2**25)
    handler = verified(sys.argv[2]) if len(sys.argv) > 2 else answer
    app.router.add_post("/{path:.*}", handler)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)


if __name__ == "__main__":
    main()
