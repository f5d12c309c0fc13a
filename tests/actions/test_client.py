"""Adapter: the guarded client against real servers that behave badly."""

import asyncio
import socket
import ssl
import time

import aiohttp
import pytest
from aiohttp import web

from hookagent.actions import client as client_module
from hookagent.actions.base import Outside, Own
from hookagent.actions.client import (
    ANSWER_BYTES_MAX,
    Refused,
    Request,
    Unreachable,
    client_of,
)
from hookagent.actions.egress import Permit
from hookagent.environment import Environment
from tests.actions.conftest import NOW, call_of, event_of
from tests.whole.certificates import END, make_certificate

HERE = Permit("127.0.0.1")


def get(url, permit=HERE, **more):
    return Request(method=more.pop("method", "GET"), url=url, permit=permit, **more)


async def test_a_request_arrives_exactly_as_prepared(outside, echo):
    client = await client_of(outside)
    request = get(
        f"{echo.url}/a%2Fb?x=%20&y",
        method="PUT",
        headers=(("X-One", "1"), ("X-One", "2"), ("Content-Type", "text/x")),
        body=b"\x00\xff",
    )

    await client.send(request, call_of())

    seen, body = echo.seen[0]
    assert (seen.method, seen.raw_path, body) == ("PUT", "/a%2Fb?x=%20&y", b"\x00\xff")
    assert seen.headers.getall("X-One") == ["1", "2"]
    assert seen.headers["X-Hookagent-Hop"] == "1"
    assert seen.headers["User-Agent"].startswith("hookagent/")
    assert "Accept-Encoding" not in seen.headers
    assert "Cookie" not in seen.headers


async def test_the_client_is_made_once(outside):
    assert await client_of(outside) is await client_of(outside)


async def test_a_target_that_hangs_ends_with_the_time_limit(outside, serve):
    async def hang(_request):
        await asyncio.Event().wait()
        return web.Response()

    client, url = await client_of(outside), await serve(hang)

    with pytest.raises(Unreachable, match=r"no answer within 0\.2 s"):
        await client.send(get(url), call_of(timeout_ms=200))


async def test_a_target_that_drips_ends_with_the_time_limit(outside, serve):
    async def drip(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b".")
            await asyncio.sleep(0.02)

    client, url = await client_of(outside), await serve(drip)

    with pytest.raises(Unreachable, match="no answer within"):
        await client.send(get(url), call_of(timeout_ms=300))


async def test_a_gigabyte_is_read_up_to_the_bound(outside, serve):
    async def flood(request):
        response = web.StreamResponse(headers={"Content-Length": str(10**9)})
        await response.prepare(request)
        with_part = b"x" * 65536
        try:
            for _ in range(10**9 // len(with_part)):
                await response.write(with_part)
        except ConnectionError:
            pass  # the client has enough
        return response

    client, url = await client_of(outside), await serve(flood)

    answer = await client.send(get(url), call_of())

    assert len(answer.body) == ANSWER_BYTES_MAX
    assert answer.is_cut


async def test_a_compressed_answer_is_not_unpacked(outside, serve):
    import gzip

    bomb = gzip.compress(b"\0" * 10_000_000)

    async def answer(_request):
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    client, url = await client_of(outside), await serve(answer)

    assert (await client.send(get(url), call_of())).body == bomb


async def test_an_answer_that_breaks_off_is_unreachable(outside, serve):
    async def break_off(request):
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        request.transport.close()
        return response

    client, url = await client_of(outside), await serve(break_off)

    with pytest.raises(Unreachable):
        await client.send(get(url), call_of())


async def test_a_closed_port_is_unreachable_in_plain_words(outside):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    client = await client_of(outside)

    with pytest.raises(Unreachable, match=r"^cannot be reached: connection refused$"):
        await client.send(get(f"http://127.0.0.1:{port}/"), call_of())


async def test_redirects_are_not_followed(outside, serve, echo):
    async def redirect(_request):
        raise web.HTTPFound(f"{echo.url}/inside")

    client, url = await client_of(outside), await serve(redirect)

    answer = await client.send(get(url), call_of())

    assert answer.status == 302
    assert echo.seen == []


async def test_cookies_are_not_kept(outside, serve):
    seen = []

    async def answer(request):
        seen.append(request.headers.get("Cookie"))
        response = web.Response()
        response.set_cookie("a", "b")
        return response

    client, url = await client_of(outside), await serve(answer)
    await client.send(get(url), call_of())
    await client.send(get(url), call_of())

    assert seen == [None, None]


async def test_proxies_of_the_environment_are_not_used(outside, echo, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    client = await client_of(outside)

    assert (await client.send(get(echo.url), call_of())).status == 200


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "0x7f.1", "2130706433", "localhost"],
)
async def test_no_form_of_a_local_address_gets_through_for_another_name(outside, echo, host):
    port = echo.url.rpartition(":")[2]
    client = await client_of(outside)

    with pytest.raises((Refused, Unreachable)):
        await client.send(get(f"http://{host}:{port}/", Permit("api.example.test")), call_of())

    assert echo.seen == []


async def test_a_name_that_turns_to_a_local_address_is_refused_when_it_connects(
    outside, echo, monkeypatch
):
    port = int(echo.url.rpartition(":")[2])

    async def rebound(self, host, port, *_args, **_more):
        return [
            {
                "hostname": host,
                "host": "127.0.0.1",
                "port": port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
        ]

    monkeypatch.setattr(aiohttp.TCPConnector, "_resolve_host", rebound)
    client = await client_of(outside)
    url = f"http://rebinding.example.test:{port}/"

    with pytest.raises(Refused, match=r"leads to the local address 127\.0\.0\.1"):
        await client.send(get(url, Permit("rebinding.example.test")), call_of())
    assert echo.seen == []

    answer = await client.send(get(url, Permit("rebinding.example.test", is_local=True)), call_of())
    assert answer.status == 200


async def test_our_own_listener_is_never_called(tmp_path, echo):
    port = int(echo.url.rpartition(":")[2])
    own = Own(ports=frozenset({port}), hosts=frozenset({"me.example.test"}))
    outside = Outside(
        folder=tmp_path,
        state=tmp_path,
        environment=Environment({}),
        clock=lambda: NOW,
        own=lambda: own,
    )
    client = await client_of(outside)
    try:
        with pytest.raises(Refused, match="hookagent's own"):
            await client.send(get(echo.url), call_of())
        with pytest.raises(Refused, match="hookagent itself"):
            await client.send(get("https://me.example.test/hook"), call_of())
    finally:
        await outside.close()
    assert echo.seen == []


async def test_an_event_that_went_round_three_times_goes_nowhere(outside, echo):
    client = await client_of(outside)
    call = call_of(event_of(headers={"X-Hookagent-Hop": "3"}))

    with pytest.raises(Refused, match="loop"):
        await client.send(get(echo.url), call)

    assert echo.seen == []


async def test_the_hop_count_goes_up_by_one(outside, echo):
    client = await client_of(outside)

    await client.send(get(echo.url), call_of(event_of(headers={"X-Hookagent-Hop": "2"})))

    assert echo.seen[0][0].headers["X-Hookagent-Hop"] == "3"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\0b"])
async def test_a_header_that_would_split_the_request_is_refused(outside, echo, value):
    client = await client_of(outside)

    with pytest.raises(Refused):
        await client.send(get(echo.url, headers=(("X-A", value),)), call_of())

    assert echo.seen == []


async def test_two_requests_at_once_do_not_share_their_permits(outside, echo):
    client = await client_of(outside)

    async def try_(permit):
        try:
            return (await client.send(get(echo.url, permit), call_of())).status
        except Refused:
            return "refused"

    answers: list[object] = await asyncio.gather(try_(Permit("elsewhere.test")), try_(HERE))

    assert list(answers) == ["refused", 200]


async def test_cancelling_a_request_leaves_nothing_behind(outside, serve):
    arrived = asyncio.Event()

    async def hang(_request):
        arrived.set()
        await asyncio.Event().wait()
        return web.Response()

    client, url = await client_of(outside), await serve(hang)
    task = asyncio.ensure_future(client.send(get(url), call_of()))
    await arrived.wait()
    before = time.monotonic()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert time.monotonic() - before < 1


def self_signed(folder):
    """Make a certificate for 127.0.0.1 that nobody has reason to trust."""
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime.fromtimestamp(time.time(), UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=10))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


async def test_a_certificate_nobody_vouches_for_is_not_taken(outside, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    seen = []

    async def answer(request):
        seen.append(request)
        return web.Response()

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    client = await client_of(outside)
    try:
        with pytest.raises(Unreachable, match="certificate"):
            await client.send(get(f"https://127.0.0.1:{runner.addresses[0][1]}/"), call_of())
    finally:
        await runner.cleanup()
    assert seen == []


async def test_it_is_noted_when_a_targets_certificate_ends(outside, tmp_path, monkeypatch):
    async def hello(_request):
        return web.Response(text="hello")

    make_certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "it.crt"))
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "it.crt", tmp_path / "it.key")
    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    client = await client_of(outside)
    try:
        url = f"https://localhost:{runner.addresses[0][1]}/"
        answer = await client.send(get(url, Permit("localhost")), call_of())
    finally:
        await runner.cleanup()

    assert answer.body == b"hello"
    assert client_module.certificates(outside) == {"localhost": END * 1000}


async def test_breakers_can_be_seen(outside):
    assert client_module.circuits(outside) == {}
    client = await client_of(outside)

    client.circuits.failed("http://down.test", NOW)

    assert client_module.circuits(outside)["http://down.test"].failures == 1


def test_the_client_module_does_not_import_aiohttp_by_itself():
    import subprocess
    import sys

    code = f"import {client_module.__name__}, sys; assert 'aiohttp' not in sys.modules"

    subprocess.run([sys.executable, "-c", code], check=True)
