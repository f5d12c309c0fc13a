"""Adapter: finding ngrok's agent and token without fetching anything."""

from dataclasses import replace

import pytest

from hookagent.tunnel.base import TunnelOptions
from hookagent.tunnel.ngrok_setup import check, find_binary, find_token, token_in
from tests.tunnel.conftest import TOKEN


async def test_agent_and_token_make_it_ready(ngrok_options, fake_ngrok):
    readiness = await check(ngrok_options)

    assert readiness.ready
    assert readiness.detail == f"ngrok 3.39.8, {fake_ngrok.path}"


async def test_without_a_token_it_says_where_to_get_one(ngrok_options, fake_ngrok):
    readiness = await check(replace(ngrok_options, authtoken=""))

    assert (readiness.ready, readiness.code) == (False, "no-token")
    assert "your-authtoken" in (readiness.hint or "")


async def test_an_agent_of_version_2_is_too_old(ngrok_options, fake_ngrok, monkeypatch):
    monkeypatch.setenv("FAKE_NGROK_VERSION", "2.3.41")

    assert (await check(ngrok_options)).code == "agent-too-old"


async def test_a_program_that_is_no_agent_is_not_taken_for_one(ngrok_options):
    assert (await check(replace(ngrok_options, binary="/bin/true"))).code == "not-an-agent"


async def test_a_configured_path_that_is_wrong_is_not_replaced_by_another(ngrok_options):
    assert (await check(replace(ngrok_options, binary="/nowhere/ngrok"))).code == "no-agent"


def test_pyngroks_own_command_is_passed_over_because_it_downloads(ngrok_options, tmp_path):
    shim = tmp_path / "venv" / "ngrok"
    shim.parent.mkdir()
    shim.write_text("#!/usr/bin/python3\nfrom pyngrok.ngrok import main\nmain()\n")
    shim.chmod(0o755)
    real = ngrok_options.environ["PATH"]

    options = replace(ngrok_options, environ={"PATH": f"{shim.parent}:{real}"})

    assert str(find_binary(options)) == f"{real}/ngrok"
    assert find_binary(replace(options, environ={"PATH": str(shim.parent)})) is None


def test_an_agent_that_pyngrok_once_installed_is_found(ngrok_options, tmp_path):
    installed = tmp_path / ".config/ngrok/ngrok"
    installed.parent.mkdir(parents=True)
    installed.write_text("#!/bin/sh\n")
    installed.chmod(0o755)

    options = replace(ngrok_options, environ={"PATH": "/nowhere", "HOME": str(tmp_path)})

    assert find_binary(options) == installed


def test_the_configured_token_comes_before_the_environment_and_ngroks_file(tmp_path):
    file = tmp_path / ".config/ngrok/ngrok.yml"
    file.parent.mkdir(parents=True)
    file.write_text("version: 3\nagent:\n  authtoken: from-file\n")
    environ = {"HOME": str(tmp_path)}
    options = TunnelOptions(provider="ngrok", environ=environ)

    assert find_token(options) == "from-file"
    with_variable = replace(options, environ={**environ, "NGROK_AUTHTOKEN": " from-env "})
    assert find_token(with_variable) == "from-env"
    assert find_token(replace(with_variable, authtoken="configured")) == "configured"


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("version: '2'\nauthtoken: two\n", "two"),
        ("version: 3\nagent:\n  authtoken: three\n", "three"),
        ("version: 3\nagent: 7\n", ""),
        ("- a\n", ""),
        (": : :\n\t", ""),
        ("authtoken: [1]\n", ""),
        ("", ""),
    ],
)
def test_any_file_of_ngroks_is_read(tmp_path, text, token):
    file = tmp_path / "ngrok.yml"
    file.write_text(text)

    assert token_in(file) == token


def test_the_token_is_not_in_the_options_repr():
    options = TunnelOptions(provider="ngrok", authtoken=TOKEN, environ={"NGROK_AUTHTOKEN": TOKEN})

    assert TOKEN not in repr(options)
