"""The yardstick: an aiohttp application that reads the body, answers 200 and stores nothing."""

import sys

from aiohttp import web


async def answer(request: web.Request) -> web.Response:
    """Read and forget."""
    await request.read()
    return web.json_response({"status": "accepted", "id": "evt_018c0000000000000000000"})


def main() -> None:
    """Serve on 127.0.0.1 at the port given."""
    app = web.Application(client_max_size=2**25)
    app.router.add_post("/{path:.*}", answer)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)


if __name__ == "__main__":
    main()
