"""Checks of ports, store and disk, on real ones."""

import fcntl
import shutil
import socket
from pathlib import Path

import pytest

from hookagent.cli.checks import outside
from hookagent.cli.checks.finding import State
from hookagent.config.load import load
from hookagent.config.model import Config
from hookagent.event import Event, RawRequest, new_id
from hookagent.store.registry import open_store
from hookagent.verdict import Code, Verdict

NOW = 1_800_000_000_000


@pytest.fixture
def taken():
    """Give a port that something listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def config(folder: Path, **flags: object) -> Config:
    named = {name.replace("_", ".", 1): value for name, value in flags.items()}
    return load(None, environ={}, cwd=folder, flags={"inspector.enabled": False} | named)


def test_a_taken_port_fails_with_the_setting_to_change(tmp_path, taken):
    found = config(tmp_path, server_port=taken)

    (finding,) = outside.ports(found, served=False)
    assert finding.state is State.FAIL
    assert finding.message == f"listener: 127.0.0.1:{taken}: Address already in use"
    assert "[server]" in str(finding.hint)

    (finding,) = outside.ports(found, served=True)
    assert finding.state is State.OK


def test_a_free_port_is_free(tmp_path):
    (finding,) = outside.ports(config(tmp_path, server_port=0), served=False)

    assert finding.state is State.OK


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1", "a" * 300])
def test_an_address_that_is_not_ours_is_said(host):
    assert outside.bind_problem(host, 0)


def test_a_store_that_is_served_is_known_by_its_lock(tmp_path):
    found = config(tmp_path)
    file = outside.store_file(found)
    assert file is not None
    assert not outside.is_served(found)

    file.parent.mkdir()
    with file.with_name(file.name + ".lock").open("wb") as lock:
        assert not outside.is_served(found)
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert outside.is_served(found)


async def test_a_store_is_made_by_serve_and_not_by_looking(tmp_path):
    found = config(tmp_path)

    (finding,) = [one async for one in outside.store(found, NOW)]

    assert finding.state is State.OK
    assert list(tmp_path.iterdir()) == []


async def test_a_store_that_opens_is_counted(tmp_path):
    found = config(tmp_path)
    store = open_store(found.store.url, found.folder)
    await store.open()
    await store.close()

    findings = [one async for one in outside.store(found, NOW)]

    assert [one.check for one in findings] == ["store", "clock"]
    assert findings[0].message.startswith("0 events, ")


async def test_a_rotation_says_which_secret_matched_last(tmp_path):
    (tmp_path / "hookagent.toml").write_text(
        '[sources.x]\npath = "/x"\nscheme = "github"\nsecret = ["${NEW}", "${OLD}"]\n'
    )
    found = load(None, environ={"NEW": "n" * 32, "OLD": "o" * 32}, cwd=tmp_path)
    store = open_store(found.store.url, found.folder)
    await store.open()
    request = RawRequest(target="/x", body=b"{}", received_at=NOW)
    verdict = Verdict(valid=True, scheme="github", code=Code.OK, secret_index=1)
    await store.accept(
        Event(
            id=new_id("evt", NOW, 1),
            source="x",
            key=b"k",
            request=request,
            verdict=verdict,
        )
    )
    await store.close()

    findings = [one async for one in outside.store(found, NOW)]

    assert "x: the newest event matched secret 2 of 2" in [one.message for one in findings]


async def test_a_damaged_store_fails(tmp_path):
    found = config(tmp_path)
    file = outside.store_file(found)
    assert file is not None
    file.parent.mkdir(mode=0o700)
    file.write_bytes(b"not a database at all" * 100)

    findings = [one async for one in outside.store(found, NOW)]

    assert [one.state for one in findings] == [State.FAIL]


def test_little_room_is_told(tmp_path, monkeypatch):
    found = config(tmp_path)
    (finding,) = outside.disk(found)
    assert finding.check == "disk"

    usage = shutil.disk_usage(tmp_path)._replace(free=1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    (finding,) = outside.disk(found)

    assert finding.state is State.WARNING


def test_an_ngrok_that_shows_everything_is_told(taken):
    (finding,) = outside.ngrok_inspector(("127.0.0.1", taken))
    assert finding.state is State.WARNING

    (finding,) = outside.ngrok_inspector(("127.0.0.1", 1))
    assert finding.state is State.OK


async def test_no_tunnel_is_fine(tmp_path):
    (finding,) = [one async for one in outside.tunnel(config(tmp_path))]

    assert finding.message == "no tunnel is asked for"


async def test_a_tunnel_to_a_source_that_checks_nothing_fails(tmp_path):
    (tmp_path / "hookagent.toml").write_text('[sources.x]\npath = "/x"\nscheme = "none"\n')

    (finding,) = [one async for one in outside.tunnel(config(tmp_path, tunnel_provider="ngrok"))]

    assert finding.state is State.FAIL
    assert "no verification" in finding.message
