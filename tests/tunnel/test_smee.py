"""Adapter: smee's and gosmee's streams, from a relay of our own."""

import asyncio
import hashlib
import hmac
import shutil
import subprocess
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from hookagent.tunnel.base import Down, Log, Reconnecting, TunnelOptions, Up
from hookagent.tunnel.smee import GOSMEE, SMEE, SmeeTunnel, gosmee, pause_seconds, smee
from tests.patience import eventually
from tests.tunnel.relays import EventRelay, as_gosmee, as_smee

PLAIN = b'{"a":1,"b":"x"}'
DELICATE = b'{"a": 1.0, "b": "\\u00e9"}'


def signature(body: bytes) -> str:
    return "sha256=" + hmac.new(b"secret", body, hashlib.sha256).hexdigest()


async def send(url: str, body: bytes, headers: dict[str, str] | None = None) -> None:
    headers = {"X-Signature": signature(body), "Content-Type": "application/json"} | (headers or {})
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}?x=1", data=body, headers=headers) as answer,
    ):
        assert answer.status == 200


@pytest.fixture
async def smee_at(serve):
    """Start a relay of smee's kind; give it with its address."""
    relay = EventRelay(as_smee)
    return relay, await serve(relay.app)


@pytest.fixture
async def gosmee_at(serve):
    """Start a relay of gosmee's kind, with the streams where newer versions have them."""
    relay = EventRelay(as_gosmee, "/events/{channel}")
    return relay, await serve(relay.app)


def options(**more) -> TunnelOptions:
    return TunnelOptions(provider="smee", path="/hooks/github", **more)


async def arrived(tunnel, listener, number: int = 1):
    """Read on in the background until the listener has so many requests."""
    async with tunnel.reading():
        await eventually(lambda: len(listener.arrivals) >= number)
    return listener.arrivals[number - 1]


async def test_a_new_channel_is_made_and_read(smee_at, listener, listen):
    _, home = smee_at
    tunnel = listen(SmeeTunnel(options(), replace(SMEE, home=home)), listener.url)

    up = await tunnel.until(Up)
    await send(up.url, PLAIN)
    arrival = await arrived(tunnel, listener)

    assert up == Up(url=f"{home}/Ab3dEf6h1jKl")
    assert (arrival.method, arrival.target) == ("POST", "/hooks/github?x=1")
    assert arrival.body == PLAIN
    assert arrival.headers["x-signature"] == signature(arrival.body)
    assert arrival.headers["x-hookagent-relay"] == "smee; bytes=rebuilt"


async def test_smee_breaks_a_signature_and_the_delivery_says_that_it_may(smee_at, listener, listen):
    _, home = smee_at
    tunnel = listen(SmeeTunnel(options(), replace(SMEE, home=home)), listener.url)

    await send((await tunnel.until(Up)).url, DELICATE)
    arrival = await arrived(tunnel, listener)

    assert arrival.body != DELICATE
    assert arrival.headers["x-hookagent-relay"].endswith("bytes=rebuilt")
    assert not tunnel.tunnel.preserves_bytes


async def test_gosmee_keeps_every_byte(gosmee_at, listener, listen):
    relay, home = gosmee_at
    tunnel = listen(SmeeTunnel(options(), replace(GOSMEE, home=home)), listener.url)

    await send((await tunnel.until(Up)).url, DELICATE)
    arrival = await arrived(tunnel, listener)

    assert arrival.body == DELICATE
    assert arrival.headers["x-signature"] == signature(DELICATE)
    assert arrival.headers["x-hookagent-relay"] == "gosmee; bytes=exact"
    assert "gosmee" in relay.agents[0]


async def test_an_older_gosmee_streams_at_the_channel_itself(serve, listener, listen):
    relay = EventRelay(as_gosmee)
    home = await serve(relay.app)
    channel = f"{home}/Ab3dEf6h1jKl"
    tunnel = listen(SmeeTunnel(options(channel=channel), replace(GOSMEE, home=home)), listener.url)

    await send((await tunnel.until(Up)).url, DELICATE)

    assert (await arrived(tunnel, listener)).body == DELICATE


async def test_a_relay_out_of_reach_is_said_with_the_reason_and_tried_again(listener, listen):
    channel = "http://127.0.0.1:1/channel"
    tunnel = listen(SmeeTunnel(options(channel=channel), SMEE), listener.url)

    lost = await tunnel.until(Reconnecting)

    assert lost.reason == f"the stream of `{channel}` is lost: connection refused"


async def test_a_stream_that_ends_is_read_again_at_the_same_address(smee_at, listener, listen):
    relay, home = smee_at
    tunnel = listen(SmeeTunnel(options(), replace(SMEE, home=home)), listener.url)
    first = await tunnel.until(Up)

    relay.drop()
    lost = await tunnel.until(Reconnecting)
    again = await tunnel.until(Up)
    await send(again.url, PLAIN)

    assert lost.attempt == 1
    assert again == first
    assert (await arrived(tunnel, listener)).body == PLAIN


async def test_the_channel_is_the_same_at_the_next_start(smee_at, listener, listen, tmp_path):
    _, home = smee_at
    with_state = options(state_folder=tmp_path)
    first = listen(SmeeTunnel(with_state, replace(SMEE, home=home)), listener.url)
    up = await first.until(Up)
    await first.close()

    nowhere = replace(SMEE, home="http://127.0.0.1:9")
    second = listen(SmeeTunnel(with_state, nowhere), listener.url)

    assert await second.until(Up) == up


async def test_a_delivery_that_is_refused_is_said(smee_at, listener, listen):
    _, home = smee_at
    listener.statuses = [403]
    tunnel = listen(SmeeTunnel(options(), replace(SMEE, home=home)), listener.url)

    assert "signatures" in (await tunnel.until(Log)).line
    await send((await tunnel.until(Up)).url, PLAIN)

    assert (await tunnel.until(Log)).line == "a delivery through smee was answered 403"


async def test_what_is_no_channel_is_said(serve, listener, listen):
    async def page(_request):
        return web.Response(text="<html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    home = await serve(app)
    for service in (SMEE, GOSMEE):
        here = replace(service, home=home)
        tunnel = listen(SmeeTunnel(options(channel=f"{home}/x"), here), listener.url)

        assert (await tunnel.until(Down)).code == "no-channel"

        strange = listen(SmeeTunnel(options(), here), listener.url)
        assert (await strange.until(Down)).code == "provider-failed"


async def test_a_service_that_is_away_may_come_back(listener, listen):
    tunnel = listen(SmeeTunnel(options(), replace(SMEE, home="http://127.0.0.1:9")), listener.url)

    down = await tunnel.until(Down)

    assert (down.code, down.retryable) == ("no-network", True)


async def test_a_channel_that_is_no_address_is_said():
    assert (await smee(options(channel="abc")).check()).code == "bad-channel"
    assert (await gosmee(options()).check()).ready


def test_the_first_pause_is_none_and_the_others_are_bounded():
    assert pause_seconds(1, 0.5) == 0
    assert all(0.5 <= pause_seconds(attempt, 0.0) <= 30 for attempt in range(2, 100))


@pytest.fixture
def smee_client(tmp_path):
    """Install the real client and give its program."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--prefix", tmp_path, "smee-client@5"],
        capture_output=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        pytest.skip("smee-client cannot be installed here")
    return tmp_path / "node_modules/.bin/smee"


@pytest.mark.long
async def test_the_real_smee_client_reads_our_relay_as_we_do(smee_client, serve, listener):
    """So the relay of these tests is a fair stand-in for smee's own."""
    relay = EventRelay(as_smee)
    home = await serve(relay.app)
    command = [smee_client, "--url", f"{home}/abc", "--target", f"{listener.url}/hooks/github"]
    quiet = asyncio.subprocess.DEVNULL
    client = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
    try:
        await eventually(lambda: relay.connected)
        await send(f"{home}/abc", DELICATE)
        await eventually(lambda: listener.arrivals)
    finally:
        client.terminate()
        await client.wait()

    assert listener.arrivals[0].body == '{"a":1,"b":"é"}'.encode()
