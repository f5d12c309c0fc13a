"""Adapter: what is sent is exactly what was given, and the answer is read whole."""

import pytest
from aiohttp import web

from hookagent.actions.sender import ANSWER_BYTES_MAX, Sender
from hookagent.errors import OutsideError
from hookagent.event import Headers, RawRequest


@pytest.fixture
async def target():
    """Serve: note what came, and answer as the path says."""
    seen = []

    async def handle(request):
        seen.append(
            (request.method, request.path_qs, list(request.raw_headers), await request.read())
        )
        if request.path == "/slow":
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(5):
                await response.write(b"x" * 1000)
            return response
        if request.path == "/endless":
            return web.Response(body=b"y" * (ANSWER_BYTES_MAX + 10))
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{port}", seen
    await runner.cleanup()


async def test_headers_go_as_they_are_in_their_order_and_nothing_is_added(target):
    url, seen = target
    given = [("X-B", "2"), ("X-A", "1"), ("X-B", "3"), ("Content-Length", "99")]

    async with Sender() as sender:
        reply = await sender.send(
            RawRequest(method="PUT", headers=Headers.of(given), body=b"\xff\x00"),
            url + "/a%2Fb?c=%20",
        )

    method, path, headers, body = seen[0]
    assert (method, path, body) == ("PUT", "/a%2Fb?c=%20", b"\xff\x00")
    assert [h for h in headers if h[0] not in {b"Host", b"Content-Length"}] == [
        (b"X-B", b"2"),
        (b"X-A", b"1"),
        (b"X-B", b"3"),
    ]
    assert reply.status == 302


async def test_an_answer_is_read_whole_and_no_further_than_the_bound(target):
    url, _ = target

    async with Sender() as sender:
        whole = await sender.send(RawRequest(), url + "/slow")
        cut = await sender.send(RawRequest(), url + "/endless")

    assert whole.body == b"x" * 5000
    assert len(cut.body) == ANSWER_BYTES_MAX


async def test_nobody_there_is_an_outside_error_with_a_hint():
    async with Sender() as sender:
        with pytest.raises(OutsideError) as caught:
            await sender.send(RawRequest(), "http://127.0.0.1:1/")

    assert caught.value.hint
