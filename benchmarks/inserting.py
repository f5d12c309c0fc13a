"""The yardstick for a store on PostgreSQL: an aiohttp application with one INSERT per request.

It verifies the HMAC and stores the body under its key, as plainly as one would write it, with the
driver the store uses.

    python -m benchmarks.inserting PORT SECRET URL
"""

import asyncio
import hmac
import json
import sys
import time
from collections.abc import AsyncIterator
from hashlib import sha256

from aiohttp import web
from psycopg import AsyncConnection

CONNECTIONS = 16
TABLE = """
    CREATE TABLE IF NOT EXISTS plain_events (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL UNIQUE,
        received_at bigint NOT NULL, headers text NOT NULL, body bytea NOT NULL)
"""
INSERT = """
    INSERT INTO plain_events (key, received_at, headers, body) VALUES (%s, %s, %s, %s)
    ON CONFLICT (key) DO NOTHING RETURNING id
"""


class Inserting:
    """The application."""

    def __init__(self, secret: str, url: str) -> None:
        self._secret = secret.encode()
        self._url = url
        self._idle: asyncio.Queue[AsyncConnection[tuple[int]]] = asyncio.Queue()

    async def connections(self, _app: web.Application) -> AsyncIterator[None]:
        """Hold the connections while the application runs."""
        opened = [
            await AsyncConnection.connect(self._url, autocommit=True) for _ in range(CONNECTIONS)
        ]
        await opened[0].execute(TABLE)
        for one in opened:
            self._idle.put_nowait(one)
        yield
        for one in opened:
            await one.close()

    async def answer(self, request: web.Request) -> web.Response:
        """Verify, insert, answer."""
        body = await request.read()
        made = "sha256=" + hmac.new(self._secret, body, sha256).hexdigest()
        if not hmac.compare_digest(made, request.headers.get("X-Bench-Signature", "")):
            return web.json_response({"error": "forbidden"}, status=403)
        key = json.loads(body)["id"]
        headers = json.dumps(dict(request.headers))
        connection = await self._idle.get()
        try:
            cursor = await connection.execute(
                INSERT, (key, int(time.time() * 1000), headers, body), prepare=True
            )
            row = await cursor.fetchone()
        finally:
            self._idle.put_nowait(connection)
        return web.json_response({"status": "accepted" if row else "duplicate"})


def main() -> None:
    """Serve on 127.0.0.1."""
    port, secret, url = sys.argv[1:]
    inserting = Inserting(secret, url)
    app = web.Application(client_max_size=2**25)
    app.cleanup_ctx.append(inserting.connections)
    app.router.add_post("/{path:.*}", inserting.answer)
    web.run_app(app, host="127.0.0.1", port=int(port), access_log=None, print=None)


if __name__ == "__main__":
    main()
