"""Adapter: any program as a tunnel."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.tunnel.base import Down, Starting, TunnelOptions, Up, UrlChanged
from hookagent.tunnel.command import ANY_URL, CommandTunnel, filled, find_url
from tests.patience import eventually
from tests.tunnel.conftest import is_alive


def python(code: str, *, pattern: str = "", arguments: tuple[str, ...] = ()) -> TunnelOptions:
    return TunnelOptions(
        provider="command", command=(sys.executable, "-c", code, *arguments), url_pattern=pattern
    )


async def test_the_url_in_the_output_is_the_address(listen):
    code = (
        "import sys,time; print('to', sys.argv[1:]); "
        "print('at https://x.example.test/', file=sys.stderr, flush=True); time.sleep(3600)"
    )
    options = python(code, arguments=("{host}", "{port}", "{url}"))
    tunnel = listen(CommandTunnel(options), "http://127.0.0.1:8787")

    assert await tunnel.until(Up) == Up(url="https://x.example.test")
    assert isinstance(tunnel.events[0], Starting)


async def test_a_pattern_picks_the_url_and_sees_it_change(listen):
    code = (
        "print('see https://docs.example.test'); print('url=https://a.example.test,');"
        "print('url=https://b.example.test,')"
    )
    tunnel = listen(CommandTunnel(python(code, pattern=r"url=(\S+)")))

    assert await tunnel.until(Up) == Up(url="https://a.example.test")
    assert await tunnel.until(UrlChanged) == UrlChanged(
        old="https://a.example.test", new="https://b.example.test"
    )


async def test_without_a_pattern_only_the_first_url_counts(listen):
    code = "print('https://a.example.test'); print('see https://b.example.test/help')"
    tunnel = listen(CommandTunnel(python(code)))

    await tunnel.until(Down)

    assert not any(isinstance(event, UrlChanged) for event in tunnel.events)


async def test_an_end_says_the_exit_code_and_the_last_words(listen):
    tunnel = listen(CommandTunnel(python("import sys; print('no quota'); sys.exit(7)")))

    down = await tunnel.until(Down)

    assert (down.code, down.retryable) == ("agent-died", True)
    assert "exit code 7: no quota" in down.message


async def test_a_program_that_is_missing_is_said_before_it_is_started(listen):
    options = TunnelOptions(provider="command", command=("no-such-tunnel",))

    down = await listen(CommandTunnel(options)).until(Down)

    assert (down.code, down.retryable) == ("no-agent", False)


async def test_a_pattern_that_is_none_is_said():
    assert (await CommandTunnel(python("", pattern="(")).check()).code == "bad-pattern"
    assert (await CommandTunnel(TunnelOptions(provider="command")).check()).code == "no-command"


async def test_stopping_ends_the_program_and_its_children(listen):
    code = (
        "import subprocess,time; p=subprocess.Popen(['sleep','3600']);"
        "print(f'https://pid{p.pid}.example.test', flush=True); time.sleep(3600)"
    )
    tunnel = listen(CommandTunnel(python(code)))
    up = await tunnel.until(Up)

    await tunnel.close()

    child = int(up.url.removeprefix("https://pid").partition(".")[0])
    await eventually(lambda: not is_alive(child))


async def test_a_flood_without_line_ends_does_no_harm(listen):
    code = "print('x' * 1_000_000, end=''); print(); print('https://a.example.test')"
    tunnel = listen(CommandTunnel(python(code)))

    assert await tunnel.until(Up) == Up(url="https://a.example.test")


def test_arguments_are_filled_in_without_a_shell():
    command = ("bore", "local", "{port}", "--at={host}", "{url}/x", "{other}")

    assert filled(command, "http://127.0.0.1:80") == [
        "bore", "local", "80", "--at=127.0.0.1", "http://127.0.0.1:80/x", "{other}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ("| https://a.example.test |", "https://a.example.test"),
        ("listening at https://a.example.test:8443.", "https://a.example.test:8443"),
        ("http://plain.example.test", ""),
        ("https://localhost/", ""),
    ],
)
def test_any_https_url_is_found(line, url):
    assert find_url(line, ANY_URL) == url


@given(st.text())
def test_any_line_is_searched(line):
    assert isinstance(find_url(line, ANY_URL), str)
