"""Adapter: Svix Play's relay, spoken by a server of our own."""

from hookagent.tunnel import svix
from hookagent.tunnel.base import Down, Log, Reconnecting, TunnelOptions, Up, UrlChanged
from hookagent.tunnel.svix import SvixTunnel, pause_seconds
from tests.patience import eventually
from tests.tunnel.relays import SvixRelay

TOKEN = "c_0123456789"
BODY = b'{"a": 1.0}\x00'


def options(**more) -> TunnelOptions:
    return TunnelOptions(provider="svix", path="/hooks/stripe", **more)


async def test_a_request_and_its_answer_pass_through(serve, listener, listen):
    relay = SvixRelay()
    url = await serve(relay.app)
    listener.statuses = [202]
    tunnel = listen(SvixTunnel(options(channel=TOKEN), f"{url}/listen/"), listener.url)

    up = await tunnel.until(Up)
    await relay.send(BODY, {"Stripe-Signature": "t=1,v1=00"})
    async with tunnel.reading():
        await eventually(lambda: relay.answers)

    [arrival] = listener.arrivals
    assert up == Up(url=f"https://play.svix.com/in/{TOKEN}")
    assert (arrival.target, arrival.body) == ("/hooks/stripe", BODY)
    assert arrival.headers["stripe-signature"] == "t=1,v1=00"
    assert arrival.headers["x-hookagent-relay"] == "svix; bytes=exact"
    assert relay.answers[0]["data"]["status"] == 202
    assert relay.answer_body() == b"stored"


async def test_a_lost_connection_is_made_again_with_the_same_channel(serve, listener, listen):
    relay = SvixRelay()
    url = await serve(relay.app)
    tunnel = listen(SvixTunnel(options(), f"{url}/listen/"), listener.url)
    first = await tunnel.until(Up)

    await relay.sockets[-1].close()
    await tunnel.until(Reconnecting)

    assert await tunnel.until(Up) == first
    assert relay.tokens[0] == relay.tokens[1]


async def test_a_relay_out_of_reach_is_said_with_the_reason(listener, listen):
    tunnel = listen(SvixTunnel(options(), "ws://127.0.0.1:1/listen/"), listener.url)

    lost = await tunnel.until(Reconnecting)

    assert lost.reason == "Svix Play cannot be reached: connection refused"


async def test_a_channel_of_our_own_in_use_is_given_up_for_another(serve, listener, listen):
    relay = SvixRelay()
    url = await serve(relay.app)
    tunnel = listen(SvixTunnel(options(), f"{url}/listen/"), listener.url)
    await tunnel.until(Up)

    relay.taken.add(relay.tokens[0])
    await relay.sockets[-1].close()

    changed = await tunnel.until(UrlChanged)
    assert changed.old.endswith(relay.tokens[0])
    assert changed.new.endswith(relay.tokens[-1])


async def test_a_configured_channel_in_use_is_not_replaced(serve, listener, listen):
    relay = SvixRelay()
    relay.taken.add(TOKEN)
    url = await serve(relay.app)
    tunnel = listen(SvixTunnel(options(channel=TOKEN), f"{url}/listen/"), listener.url)

    down = await tunnel.until(Down)

    assert (down.code, down.retryable) == ("channel-in-use", False)


async def test_silence_is_the_end_of_a_connection(serve, listener, listen, monkeypatch):
    monkeypatch.setattr(svix, "SILENCE_SECONDS", 0.1)
    relay = SvixRelay()
    url = await serve(relay.app)
    tunnel = listen(SvixTunnel(options(), f"{url}/listen/"), listener.url)
    await tunnel.until(Up)

    await tunnel.until(Reconnecting)
    await tunnel.until(Up)


async def test_a_strange_message_is_kept_as_a_warning(serve, listener, listen):
    relay = SvixRelay()
    url = await serve(relay.app)
    tunnel = listen(SvixTunnel(options(), f"{url}/listen/"), listener.url)
    await tunnel.until(Up)

    await relay.sockets[-1].send_str("{}")

    assert "another form" in (await tunnel.until(Log)).line


async def test_the_channel_is_the_same_at_the_next_start(serve, listener, listen, tmp_path):
    relay = SvixRelay()
    url = await serve(relay.app)
    first = listen(SvixTunnel(options(state_folder=tmp_path), f"{url}/listen/"), listener.url)
    up = await first.until(Up)
    await first.close()

    second = listen(SvixTunnel(options(state_folder=tmp_path), f"{url}/listen/"), listener.url)

    assert await second.until(Up) == up


async def test_a_channel_without_a_token_is_said():
    assert (await SvixTunnel(options(channel="hello")).check()).code == "bad-channel"


def test_pauses_grow_to_five_seconds():
    assert [pause_seconds(attempt, 1.0) for attempt in range(1, 7)] == [0, 0.1, 1, 5, 5, 5]
