"""Adapter: the edges of the process are opened, or the reason why not is one sentence."""

import asyncio
import socket

import pytest

from hookagent.config.load import load
from hookagent.errors import OutsideError, UsageError
from hookagent.pipeline.nodes import Role
from hookagent.runtime.opening import bind, fast_entropy, opened_store
from tests.whole.served import write_project


@pytest.fixture
def config(tmp_path):
    folder = write_project(tmp_path / "project")
    return load(folder / "hookagent.toml", environ={}, cwd=folder)


@pytest.mark.parametrize(
    ("role", "word"), [(Role.RECEIVE, "serve --role receive"), (Role.WORK, "work")]
)
async def test_a_store_of_one_owner_has_no_receivers_and_workers(config, role, word):
    with pytest.raises(UsageError, match=word) as raised:
        async with opened_store(config, role):
            pass

    assert "postgresql://" in (raised.value.hint or "")
    assert not config.state_folder.exists()  # nothing was begun


async def test_a_store_is_closed_again_whatever_happens(config):
    for _ in range(2):
        with pytest.raises(ValueError, match="oh"):
            async with opened_store(config, Role.ALL):
                raise ValueError("oh")


async def test_a_second_owner_is_told_that_there_is_one(config):
    async with opened_store(config, Role.ALL):
        with pytest.raises(OutsideError):
            async with opened_store(config, Role.ALL):
                pass


class Busy:
    """A listener whose port somebody else has."""

    async def start(self, host: str, port: int) -> int:
        server = await asyncio.start_server(lambda *_: None, host, port)
        server.close()
        return port


class Free:
    async def start(self, _host: str, _port: int) -> int:
        return 4567


async def test_a_port_that_is_taken_is_named_with_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OutsideError, match=f"127.0.0.1:{port}") as raised:
            await bind(Busy(), "127.0.0.1", port)  # type: ignore[arg-type] # plays it

    assert "--port" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:4567"),
        ("0.0.0.0", "http://127.0.0.1:4567"),
        ("::", "http://127.0.0.1:4567"),
        ("::1", "http://[::1]:4567"),
    ],
)
async def test_the_url_of_the_listener_reaches_it_from_here(host, url):
    assert await bind(Free(), host, 0) == url  # type: ignore[arg-type] # plays it


def test_ids_are_distinct_in_and_between_processes():
    one, other = fast_entropy(), fast_entropy()

    drawn = [one() for _ in range(1_000)] + [other() for _ in range(1_000)]

    assert len(set(drawn)) == 2_000
    assert max(drawn) < 1 << 48
