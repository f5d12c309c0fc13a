"""Adapter: the ngrok tunnel against a fake agent, with a test for each of pyngrok's traps.

 1. It waits for the agent's log without a limit of time.
 2. It waits for ever for an interface that older agents lack.
 3. It holds a lock meanwhile, so its own `kill` hangs too.
 4. Its errors carry ngrok's code only when the agent fails as it starts.
 5. It puts the token on the command line, and its configuration files are readable by everyone.
 6. The agent's standard error is ours, and its log goes to `logging`.
 7. It says neither that the agent died nor that it reconnects; asked for tunnels it starts another.
 8. It downloads an agent where there is none, and prints the progress to standard output.
 9. The agent shares our process group, so Ctrl-C ends it first.
10. It reads the log in one format and from one level on only.
"""

import asyncio
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from hookagent.tunnel.base import Down, Log, Reconnecting, Starting, TunnelOptions, Up
from hookagent.tunnel.ngrok import NgrokTunnel
from tests.patience import PATIENCE_S, eventually
from tests.tunnel.conftest import TOKEN, is_alive


def everything_running(part: str) -> list[tuple[str, str]]:
    """Find the processes whose command line has this text in it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if part in text:
            found.append((folder.name, text))
    return found


def environment_of(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace")


def started_home(options: TunnelOptions) -> Path:
    assert options.state_folder is not None
    [home] = options.state_folder.glob("ngrok-*")
    return home


async def test_it_comes_up_with_the_address_the_agent_names(ngrok_options, fake_ngrok, listen):
    tunnel = listen(NgrokTunnel(ngrok_options), "http://127.0.0.1:8787")

    up = await tunnel.until(Up)

    assert up == Up(url="https://fake.ngrok-free.dev")
    assert isinstance(tunnel.events[0], Starting)
    assert fake_ngrok.record["posts"] == [
        {"name": "hookagent", "inspect": False, "upstream": {"url": "http://127.0.0.1:8787"}}
    ]


async def test_a_domain_is_asked_for(ngrok_options, fake_ngrok, listen):
    tunnel = listen(NgrokTunnel(replace(ngrok_options, domain="mine.ngrok-free.dev")))

    assert (await tunnel.until(Up)).url == "https://mine.ngrok-free.dev"


async def test_a_silent_agent_is_given_up_and_ended(  # trap 1
    ngrok_options, fake_ngrok, listen, monkeypatch
):
    monkeypatch.setenv("FAKE_NGROK", "silent")
    tunnel = listen(NgrokTunnel(replace(ngrok_options, start_seconds=1.0)))

    down = await tunnel.until(Down)
    await tunnel.close()

    assert (down.code, down.retryable) == ("start-timeout", True)
    await eventually(lambda: everything_running(str(fake_ngrok.path)) == [])


async def test_an_agent_without_the_endpoints_api_is_said_to_be_too_old(  # trap 2
    ngrok_options, fake_ngrok, listen, monkeypatch
):
    monkeypatch.setenv("FAKE_NGROK", "old")
    tunnel = listen(NgrokTunnel(ngrok_options))

    down = await tunnel.until(Down)

    assert (down.code, down.retryable) == ("agent-too-old", False)
    assert "ngrok update" in down.hint


async def test_an_agent_that_cannot_read_our_configuration_is_too_old(
    ngrok_options, fake_ngrok, listen, monkeypatch
):
    monkeypatch.setenv("FAKE_NGROK", "oldconfig")
    tunnel = listen(NgrokTunnel(ngrok_options))

    assert (await tunnel.until(Down)).code == "agent-too-old"


async def test_stopping_a_hanging_start_frees_pyngroks_lock(  # trap 3
    ngrok_options, fake_ngrok, listen, monkeypatch
):
    monkeypatch.setenv("FAKE_NGROK", "silent")
    tunnel = listen(NgrokTunnel(ngrok_options))
    await tunnel.until(Starting)
    waiting = asyncio.ensure_future(tunnel.until(Down))
    await fake_ngrok.has_started()

    waiting.cancel()
    async with asyncio.timeout(PATIENCE_S):
        await tunnel.tunnel.stop(2.0)

    from pyngrok import process

    def take_the_lock() -> None:
        process.kill_process("/nowhere")

    other = threading.Thread(target=take_the_lock, daemon=True)
    other.start()
    other.join(PATIENCE_S)
    assert not other.is_alive()
    await eventually(lambda: not is_alive(fake_ngrok.record["pid"]))


async def test_an_endpoint_in_use_is_explained_though_pyngrok_gives_no_code(  # trap 4
    ngrok_options, fake_ngrok, listen, monkeypatch
):
    monkeypatch.setenv("FAKE_NGROK", "inuse")
    tunnel = listen(NgrokTunnel(ngrok_options))

    down = await tunnel.until(Down)

    assert (down.code, down.retryable) == ("err-ngrok-334", False)
    assert "already online" in down.message
    assert "domain" in down.hint


async def test_the_token_is_on_no_command_line_and_in_no_agents_environment(  # trap 5
    ngrok_options, fake_ngrok, listen
):
    tunnel = listen(NgrokTunnel(ngrok_options))

    await tunnel.until(Up)

    record = fake_ngrok.record
    assert everything_running(TOKEN) == []
    assert everything_running(str(fake_ngrok.path))
    assert TOKEN not in str(record["environ"]) + str(record["argv"])
    assert TOKEN not in environment_of(record["pid"])
    assert record["config_mode"] == "0o600"
    assert started_home(ngrok_options).stat().st_mode & 0o777 == 0o700


async def test_the_token_is_gone_from_the_disk_after_the_end(ngrok_options, fake_ngrok, listen):
    tunnel = listen(NgrokTunnel(ngrok_options))
    await tunnel.until(Up)

    await tunnel.close()

    assert list(ngrok_options.state_folder.rglob("*")) == []


async def test_a_refused_token_is_explained_and_not_repeated(
    ngrok_options, fake_ngrok, listen, monkeypatch, caplog
):
    monkeypatch.setenv("FAKE_NGROK", "badtoken")
    tunnel = listen(NgrokTunnel(ngrok_options))

    down = await tunnel.until(Down)

    assert (down.code, down.retryable) == ("err-ngrok-105", False)
    assert TOKEN not in str(tunnel.events)
    assert TOKEN not in caplog.text
    assert "dashboard.ngrok.com" in down.hint


async def test_too_many_agents_are_explained(ngrok_options, fake_ngrok, listen, monkeypatch):
    monkeypatch.setenv("FAKE_NGROK", "sessions")
    tunnel = listen(NgrokTunnel(ngrok_options))

    assert (await tunnel.until(Down)).code == "err-ngrok-108"


async def test_nothing_of_the_agent_or_of_pyngrok_reaches_the_terminal(  # traps 6 and 8
    ngrok_options, fake_ngrok, listen, monkeypatch, capfd
):
    monkeypatch.setenv("FAKE_NGROK", "stderr")
    tunnel = listen(NgrokTunnel(ngrok_options))

    await tunnel.until(Up)
    await tunnel.close()

    from pyngrok import installer

    assert capfd.readouterr() == ("", "")
    assert installer._print_progress_enabled is False


async def test_a_lost_session_and_its_return_are_said(  # trap 7
    ngrok_options, fake_ngrok, listen, monkeypatch
):
    monkeypatch.setenv("FAKE_NGROK", "drop")
    tunnel = listen(NgrokTunnel(ngrok_options))
    first = await tunnel.until(Up)

    fake_ngrok.go_on()
    lost = await tunnel.until(Reconnecting)
    again = await tunnel.until(Up)

    assert lost == Reconnecting(reason="read EOF from remote peer", attempt=1)
    assert Reconnecting(reason="dial tcp: i/o timeout", attempt=2) in tunnel.events
    assert again == first


async def test_the_death_of_the_agent_is_noticed_and_no_other_is_started(  # trap 7
    ngrok_options, fake_ngrok, listen, monkeypatch
):
    monkeypatch.setenv("FAKE_NGROK", "die")
    tunnel = listen(NgrokTunnel(ngrok_options))
    await tunnel.until(Up)

    fake_ngrok.go_on()
    down = await tunnel.until(Down)

    assert (down.code, down.retryable) == ("agent-died", True)
    assert everything_running(str(fake_ngrok.path)) == []


async def test_without_an_agent_nothing_is_downloaded(  # trap 8
    ngrok_options, tmp_path, listen, monkeypatch
):
    from pyngrok import installer

    def refuse(*_args, **_options):
        raise AssertionError("a download was tried")

    monkeypatch.setattr(installer, "_download_file", refuse)
    empty = replace(ngrok_options, environ={"PATH": str(tmp_path), "HOME": str(tmp_path)})
    tunnel = listen(NgrokTunnel(empty))

    down = await tunnel.until(Down)

    assert (down.code, down.retryable) == ("no-agent", False)
    assert "https://ngrok.com/download" in down.hint


async def test_the_agent_leads_a_group_of_its_own_that_ends_with_it(  # trap 9
    ngrok_options, fake_ngrok, listen, monkeypatch
):
    monkeypatch.setenv("FAKE_NGROK", "stubborn")
    tunnel = listen(NgrokTunnel(ngrok_options))
    await tunnel.until(Up)
    record = fake_ngrok.record

    assert os.getpgid(record["pid"]) == record["pid"] != os.getpgrp()
    await tunnel.tunnel.stop(0.3)

    await eventually(lambda: not is_alive(record["pid"]))
    await eventually(lambda: not is_alive(record["child"]))


async def test_the_log_has_the_level_and_format_that_can_be_read(  # trap 10
    ngrok_options, fake_ngrok, listen
):
    tunnel = listen(NgrokTunnel(ngrok_options))
    await tunnel.until(Up)

    import yaml

    agent = yaml.safe_load((started_home(ngrok_options) / "ngrok.yml").read_text())["agent"]

    assert (agent["log_level"], agent["log_format"]) == ("info", "logfmt")
    assert agent["inspect_db_size"] == -1
    assert agent["web_addr"] != "127.0.0.1:4040"
    assert agent["web_addr"].startswith("127.0.0.1:")


async def given_up(listen, options, start_seconds):
    """Wait until a start is given up; return why, and the lines that were passed on."""
    tunnel = listen(NgrokTunnel(replace(options, start_seconds=start_seconds)))
    down = await tunnel.until(Down)
    await tunnel.close()
    return down, [event for event in tunnel.events if isinstance(event, Log)]


async def test_no_network_is_said_while_waiting_and_at_the_end(
    ngrok_options, fake_ngrok, listen, monkeypatch
):
    monkeypatch.setenv("FAKE_NGROK", "nonet")
    down, logs = await given_up(listen, ngrok_options, 0.8)
    if not logs:  # the agent had no time to say a word
        down, logs = await given_up(listen, ngrok_options, 20.0)

    assert "no such host" in logs[0].line
    assert (down.code, down.retryable) == ("no-network", True)


async def test_stopping_twice_is_nothing_special(ngrok_options, fake_ngrok, listen):
    tunnel = listen(NgrokTunnel(ngrok_options))
    await tunnel.until(Up)

    await tunnel.tunnel.stop(1.0)
    await tunnel.tunnel.stop(1.0)

    await eventually(lambda: not is_alive(fake_ngrok.record["pid"]))


@pytest.mark.parametrize("scenario", ["ok", "silent"])
async def test_stopping_before_the_agent_ran_leaves_none_behind(
    ngrok_options, fake_ngrok, listen, monkeypatch, scenario
):
    monkeypatch.setenv("FAKE_NGROK", scenario)
    tunnel = listen(NgrokTunnel(ngrok_options))
    await tunnel.until(Starting)
    waiting = asyncio.ensure_future(tunnel.until(Down))
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.wait({waiting})
    await tunnel.tunnel.stop(2.0)

    await eventually(lambda: everything_running(str(fake_ngrok.path)) == [])


async def test_a_folder_that_cannot_be_written_is_said(ngrok_options, fake_ngrok, listen, tmp_path):
    file = tmp_path / "a-file"
    file.write_text("")
    tunnel = listen(NgrokTunnel(replace(ngrok_options, state_folder=file / "state")))

    assert (await tunnel.until(Down)).code == "no-folder"
