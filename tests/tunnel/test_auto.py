"""Adapter: the choice among what is here."""

from dataclasses import replace

from hookagent.tunnel.auto import AutoTunnel, only_for
from hookagent.tunnel.base import Down, TunnelOptions, Up
from tests.patience import eventually
from tests.tunnel.conftest import TOKEN, is_alive


async def test_ngrok_comes_first_where_it_is_complete(ngrok_options, fake_ngrok, listen):
    tunnel = listen(AutoTunnel(replace(ngrok_options, provider="auto")))

    assert await tunnel.until(Up) == Up(url="https://fake.ngrok-free.dev")
    await tunnel.close()
    await eventually(lambda: not is_alive(fake_ngrok.record["pid"]))


async def test_cloudflared_comes_next_and_gets_no_token_of_ngroks(
    cloudflared_options, fake_cloudflared, listen, tmp_path
):
    options = cloudflared_options(authtoken=TOKEN, domain="mine.ngrok-free.dev")
    tunnel = listen(AutoTunnel(replace(options, provider="auto")))

    assert (await tunnel.until(Up)).url.endswith(".trycloudflare.com")
    assert TOKEN not in str(fake_cloudflared.record)


async def test_where_there_is_none_every_way_to_get_one_is_said(listen, tmp_path):
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    tunnel = listen(AutoTunnel(TunnelOptions(provider="auto", environ=environ)))

    down = await tunnel.until(Down)

    assert (down.code, down.retryable) == ("no-tunnel", False)
    assert "ngrok.com/download" in down.hint
    assert "cloudflare" in down.hint
    assert "ssh-keyscan" in down.hint


def test_what_was_said_about_one_provider_counts_for_that_one():
    named = TunnelOptions(provider="cloudflared", authtoken=TOKEN, domain="d", state_folder=None)

    assert only_for("cloudflared", named) == named
    assert only_for("ngrok", named).authtoken == ""
    assert only_for("ngrok", replace(named, provider="auto")).authtoken == TOKEN
