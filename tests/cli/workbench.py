"""What the workbench's tests stand on: a store with real events in it, and an application to send to."""

import asyncio
import http.server
import itertools
import json
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hookagent.config.load import load
from hookagent.config.model import Config
from hookagent.event import Headers, RawRequest
from hookagent.job import RunState, Step
from hookagent.pipeline.answer import Answer
from hookagent.pipeline.feed import Feed
from hookagent.pipeline.gate import Gate
from hookagent.pipeline.ingest import Ingest
from hookagent.pipeline.limiter import FailureLimiter
from hookagent.pipeline.reception import Reception
from hookagent.pipeline.replay import at_source, resigned
from hookagent.providers.verify import Verifier
from hookagent.store.base import Routed, Run
from hookagent.store.registry import open_store

NOW = 1_790_000_000_000
SECRET = "an-honest-secret-of-32-characters"
CONFIG = f"""
[server]
port = 1

[sources.shop]
path = "/hooks/shop"
secret = "{SECRET}"
dedup = "id"
type = "type"

[sources.shop.scheme]
algorithm = "hmac-sha256"
header = "X-Shop-Signature"
prefix = "sha256="
encoding = "hex"
signed = "{{body}}"

[sources.pay]
path = "/hooks/pay"
scheme = "stripe"
secret = "whsec_an-honest-secret-of-32-characters"
"""
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\u202e\u2028"
"""What a payload would need to steer a terminal: ESC, BEL, CSI as C1, CR, a bidi override."""


class Seed:
    """Puts events into a project's store by its own front door."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config: Config = load(folder / "hookagent.toml", environ={}, cwd=folder)
        self._numbers = itertools.count(1)

    def events(
        self, *payloads: Any, source: str = "shop", at: int = NOW, **headers: str
    ) -> list[str]:
        """Store signed payloads a second apart; return their ids."""
        answers = asyncio.run(self._send(payloads, source, at, headers, is_signed=True))
        return [json.loads(answer.body)["id"] for answer in answers]

    def refusals(self, *payloads: Any, source: str = "shop", at: int = NOW) -> list[str]:
        """Send unsigned payloads; return the ids of the refusals."""
        answers = asyncio.run(self._send(payloads, source, at, {}, is_signed=False))
        assert all(answer.status == 401 for answer in answers)
        return asyncio.run(self._rejected())

    def bad_body(self, body: bytes) -> str:
        """Send a signed body that the source does not take; return the refusal's id."""
        (answer,) = asyncio.run(self._send([body], "shop", NOW, {}, is_signed=True))
        assert answer.status == 400
        return asyncio.run(self._rejected())[0]

    def runs(self, event_id: str, state: RunState, *, rule: str = "note", reason: str = "") -> str:
        """Record a run of one step for an event that was not routed yet; return its id."""
        return asyncio.run(self._route(event_id, state, rule, reason))

    async def _send(
        self, payloads: Any, source: str, at: int, headers: dict[str, str], *, is_signed: bool
    ) -> list[Answer]:
        chosen = self.config.sources[source]
        gate = Gate(chosen, Verifier(chosen.scheme, chosen.secrets), None)
        store = self._store()
        await store.open()
        try:
            ingest = Ingest(
                {chosen.name: gate}, store, Feed(), Reception(""),
                clock=lambda: at, entropy=lambda: next(self._numbers), replay_key=b"k" * 32,
                limiter=FailureLimiter(600),
            )  # fmt: skip
            answers = []
            for number, payload in enumerate(payloads):
                body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
                fields = {"Content-Type": "application/json", **headers}
                raw = RawRequest(
                    headers=Headers.of(fields), body=body, received_at=at + number * 1000,
                    client_ip="192.0.2.7",
                )  # fmt: skip
                request = at_source(raw, chosen)
                if is_signed:
                    request = resigned(request, chosen, now=request.received_at)
                answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
                ingest.receive(gate, request, answered.set_result)
                answers.append(await answered)
            return answers
        finally:
            await store.close()

    async def _rejected(self) -> list[str]:
        store = self._store()
        await store.open()
        try:
            return [one.id for one in await store.rejected(limit=100)]
        finally:
            await store.close()

    async def _route(self, event_id: str, state: RunState, rule: str, reason: str) -> str:
        store = self._store()
        await store.open()
        number = next(self._numbers)
        run = Run(
            id=f"run_{NOW:012x}{number:012x}", event_id=event_id, rule=rule, created_at=NOW,
            state=state, reason=reason, ended_at=NOW + 45,
            steps=[Step(name="one", action="log")],
        )  # fmt: skip
        try:
            claimed = await store.claim_events(
                "test", now=NOW * 2, lease_until=NOW * 2 + 1, limit=500
            )
            wanted = [
                Routed(event_id=one.id, runs=[run] if one.id == event_id else []) for one in claimed
            ]
            assert event_id in [one.event_id for one in wanted]
            assert all(await store.route("test", wanted))
        finally:
            await store.close()
        return run.id

    def _store(self) -> Any:
        return open_store(self.config.store.url, self.config.state_folder)


class Application(http.server.ThreadingHTTPServer):
    """An application under test: keeps what came, answers what it is told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.came: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answer = lambda headers, body: (200, b"thanks")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, _, _, body in self.came]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Application)
        try:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        except OSError:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        server.came.append((self.command, self.path, headers, body))
        status, answer = server.answer(headers, body)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815 - the names http.server calls

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def application():
    """Run an application for the time of the block."""
    server = Application()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def harmful(text: str) -> list[str]:
    """Return the characters of an output that could steer a terminal."""
    bad = [c for c in text if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]
    return bad + [c for c in text if c in "\u202e\u2028\u2029\u200f"]
