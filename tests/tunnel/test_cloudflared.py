"""Adapter: the cloudflared tunnel against a fake agent."""

import pytest

from hookagent.tunnel import cloudflared
from hookagent.tunnel.base import Down, Level, Log, Reconnecting, TunnelOptions, Up
from hookagent.tunnel.cloudflared import CloudflaredTunnel
from tests.patience import eventually
from tests.tunnel.conftest import TOKEN, is_alive

URL = "https://quiet-lion-sings.trycloudflare.com"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(cloudflared, "WATCH_SECONDS", 0.05)
    monkeypatch.setattr(cloudflared, "LOOK_SECONDS", 0.05)


async def test_a_quick_tunnel_comes_up_with_its_random_address(
    cloudflared_options, fake_cloudflared, listen
):
    tunnel = listen(CloudflaredTunnel(cloudflared_options()), "http://127.0.0.1:8787")

    assert await tunnel.until(Up) == Up(url=URL)
    argv = fake_cloudflared.record["argv"]
    assert argv[-2:] == ["--url", "http://127.0.0.1:8787"]
    assert "--no-autoupdate" in argv
    assert not tunnel.tunnel.stable_url


async def test_the_address_in_the_log_serves_where_the_interface_has_none(
    cloudflared_options, listen
):
    tunnel = listen(CloudflaredTunnel(cloudflared_options("nohost")))

    assert await tunnel.until(Up) == Up(url=URL)


async def test_warnings_are_passed_on_and_nothing_reaches_the_terminal(
    cloudflared_options, listen, capfd
):
    tunnel = listen(CloudflaredTunnel(cloudflared_options()))

    await tunnel.until(Up)
    await tunnel.close()

    line = "2026-01-31T12:00:00Z WRN Your version is outdated"
    assert Log(level=Level.WARNING, line=line) in tunnel.events
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("scenario", "code", "word"),
    [
        ("limited", "rate-limited", "1015"),
        ("broken", "provider-failed", "service"),
        ("nonet", "no-network", "reach"),
    ],
)
async def test_failures_become_sentences(cloudflared_options, listen, scenario, code, word):
    tunnel = listen(CloudflaredTunnel(cloudflared_options(scenario)))

    down = await tunnel.until(Down)

    assert down.code == code
    assert word in down.message
    assert "unmarshal" not in down.message
    assert down.hint


async def test_a_lost_connection_and_its_return_are_said(
    cloudflared_options, fake_cloudflared, listen
):
    tunnel = listen(CloudflaredTunnel(cloudflared_options("drop")))
    await tunnel.until(Up)

    fake_cloudflared.go_on()
    await tunnel.until(Reconnecting)

    assert await tunnel.until(Up) == Up(url=URL)


async def test_its_death_is_noticed_with_its_last_words(
    cloudflared_options, fake_cloudflared, listen
):
    tunnel = listen(CloudflaredTunnel(cloudflared_options("die")))
    await tunnel.until(Up)

    fake_cloudflared.go_on()
    down = await tunnel.until(Down)

    assert (down.code, down.retryable) == ("agent-died", True)
    assert "the edge said no" in down.message


async def test_a_tunnel_of_ones_own_gets_its_token_past_the_command_line(
    cloudflared_options, fake_cloudflared, listen
):
    options = cloudflared_options(authtoken=TOKEN, domain="hooks.example.test")
    tunnel = listen(CloudflaredTunnel(options))

    assert await tunnel.until(Up) == Up(url="https://hooks.example.test")
    assert TOKEN not in " ".join(fake_cloudflared.record["argv"])
    assert fake_cloudflared.record["environ"]["TUNNEL_TOKEN"] == TOKEN
    assert tunnel.tunnel.stable_url


async def test_stopping_ends_the_program(cloudflared_options, fake_cloudflared, listen):
    tunnel = listen(CloudflaredTunnel(cloudflared_options()))
    await tunnel.until(Up)

    await tunnel.close()
    await tunnel.tunnel.stop()

    await eventually(lambda: not is_alive(fake_cloudflared.record["pid"]))


async def test_without_the_program_it_says_where_to_get_it(tmp_path):
    options = TunnelOptions(provider="cloudflared", environ={"PATH": str(tmp_path)})

    readiness = await CloudflaredTunnel(options).check()

    assert (readiness.ready, readiness.code) == (False, "no-agent")
    assert "developers.cloudflare.com" in (readiness.hint or "")


async def test_a_token_without_a_domain_is_half_a_tunnel(cloudflared_options):
    readiness = await CloudflaredTunnel(cloudflared_options(authtoken=TOKEN)).check()

    assert (readiness.ready, readiness.code) == (False, "half-named")
