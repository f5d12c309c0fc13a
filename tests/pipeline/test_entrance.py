"""Adapter: how our own commands find the front door, on one machine and on several."""

import asyncio
import socket

import pytest

from hookagent.errors import OutsideError
from hookagent.pipeline.entrance import common_key, entrance, reachable
from hookagent.pipeline.nodes import SILENT_MS
from hookagent.pipeline.origin import replay_key
from hookagent.pipeline.presence import announce
from hookagent.store.sharing import Node
from hookagent.store.sqlite import SqliteStore
from tests.pipeline.conftest import NOW

HERE = socket.gethostname()


def node(n, listener, name="far", role="receive"):
    return Node(
        id=f"agent_{n}", name=name, pid=n, role=role, version="1", listener=listener, seen_at=NOW
    )


@pytest.fixture
def shared(monkeypatch):
    monkeypatch.setattr(SqliteStore, "is_shared", property(lambda _: True))


async def test_one_owners_door_is_the_configured_listener_with_the_folders_key(config, store):
    found = await entrance(config, NOW, store)

    assert found.url == f"http://127.0.0.1:{config.server.port}"
    assert found.key == replay_key(config.state_folder)


async def test_an_agent_on_this_machine_comes_first(config, store, shared):
    await store.report(node(1, "http://198.18.0.1:1"))
    announce(config.state_folder, "http://127.0.0.1:5", passes_on=True)

    found = await entrance(config, NOW, store)

    assert (found.url, found.passes_on) == ("http://127.0.0.1:5", True)
    assert found.key == await common_key(store, config.state_folder)


async def test_without_one_any_receiver_that_says_where_it_is_will_do(config, store, shared):
    await store.report(node(1, "http://127.0.0.1:1"))
    await store.report(node(2, "https://hooks.example.org"))

    assert (await entrance(config, NOW, store)).url == "https://hooks.example.org"


async def test_where_none_can_be_reached_it_is_said_what_to_pass(config, store, shared):
    with pytest.raises(OutsideError, match="none has reported lately") as none:
        await entrance(config, NOW, store)
    await store.report(node(1, "http://127.0.0.1:1"))
    with pytest.raises(OutsideError, match="far:1 listen on loopback only"):
        await entrance(config, NOW, store)
    with pytest.raises(OutsideError, match="none has reported"):
        await entrance(config, NOW + SILENT_MS + 1, store)
    assert "--to" in (none.value.hint or "")


def test_a_receiver_on_this_machine_is_reached_by_loopback():
    far, near = node(1, "https://hooks.example.org"), node(2, "http://127.0.0.1:2", HERE)
    assert reachable([far, near], HERE) == near.listener
    assert reachable([node(3, "http://127.0.0.1:2", HERE, "work")], HERE) is None


async def test_all_nodes_have_the_same_key_however_many_make_one_at_once(
    store, shared, tmp_path, monkeypatch
):
    keys = await asyncio.gather(*(common_key(store, tmp_path / str(n)) for n in range(5)))

    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
    assert list(tmp_path.glob("*/replay.key")) == []
