"""What action tests share: an event, a call, an outside, and real local servers."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest
from aiohttp import web

from hookagent.actions.base import Call, Outside
from hookagent.actions.registry import bind
from hookagent.environment import Environment
from hookagent.event import Event, Headers, RawRequest
from hookagent.template import Scope
from hookagent.verdict import Code, Verdict

NOW = 1_760_000_000_000


def event_of(payload=None, *, body=b"{}", headers=None, target="/hooks/shop", method="POST"):
    request = RawRequest(
        method=method,
        target=target,
        headers=Headers.of(headers or {}),
        body=body,
        received_at=NOW,
        client_ip="192.0.2.7",
    )
    verdict = Verdict(valid=True, scheme="none", code=Code.UNCHECKED)
    return Event(
        id="evt_1",
        source="shop",
        type="order.paid",
        request=request,
        verdict=verdict,
        payload={} if payload is None else payload,
    )


def scope_of(payload=None, **of_event):
    return Scope(event=event_of(payload, **of_event))


def call_of(event=None, *, timeout_ms=60_000, attempt=1, earlier=None):
    return Call.of(
        event or event_of(),
        run_id="run_1",
        rule="r",
        step=0,
        attempt=attempt,
        timeout_ms=timeout_ms,
        earlier=earlier,
    )


async def act(name, options, outside, payload=None, *, call=None, **of_event):
    """Bind, prepare and run one step; return its outcome."""
    step = bind(name, options, outside.environment)
    scope = scope_of(payload, **of_event)
    return await step.execute(scope, call or call_of(scope.event), outside)


@pytest.fixture
def said():
    return []


@pytest.fixture
async def outside(tmp_path, said):
    made = Outside(
        folder=tmp_path,
        state=tmp_path / ".hookagent",
        environment=Environment(
            {"TOKEN": "s3cr3t-t0ken", "SECRET": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}
        ),
        clock=lambda: NOW,
        say=said.append,
    )
    yield made
    await made.close()


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def serve():
    """Start real servers on free ports; each call returns the address of one."""
    runners = []

    async def start(answer: Answer, host="127.0.0.1"):
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{rest:.*}", answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, auto_decompress=False)
        await runner.setup()
        runners.append(runner)
        site = web.TCPSite(runner, host, 0)
        await site.start()
        return f"http://{host}:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def echo(serve):
    """Serve an address that keeps every request; `echo.seen` holds (request, body)."""
    seen = []

    async def answer(request):
        seen.append((request, await request.read()))
        return web.json_response({"ok": True})

    return SimpleNamespace(url=await serve(answer), seen=seen)
