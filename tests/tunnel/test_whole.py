"""Whole: `hookagent serve` with a tunnel, from the sender's side of it to the store."""

import asyncio
import os
from functools import partial
from typing import Any

import aiohttp
import pytest

from tests.tunnel.conftest import TOKEN, is_alive
from tests.tunnel.relays import EventRelay, as_gosmee, as_smee
from tests.whole.served import lines, run, serving, signature, write_project

PLAIN = b'{"id":"o-1","type":"order.paid"}'
DELICATE = b'{"id": "o-2", "type": "order.paid", "total": 1.0}'


@pytest.fixture
def ngrok_environment(fake_ngrok):
    return {
        "PATH": f"{fake_ngrok.folder}:{os.environ['PATH']}",
        "NGROK_AUTHTOKEN": TOKEN,
        "FAKE_NGROK_URL": "upstream",
    }


def test_serve_tells_each_sources_address_and_ends_the_agent(
    tmp_path, fake_ngrok, ngrok_environment
):
    project = write_project(tmp_path / "p")
    with serving(project, "--tunnel", "ngrok", environ=ngrok_environment) as agent:
        up = agent.wait_for("tunnel", state="up")
        record = fake_ngrok.record
        code = agent.stop()

    assert up["sources"] == {"shop": f"{up['url']}/hooks/shop"}
    assert up["url"] == agent.listener
    assert code == 0
    assert not is_alive(record["pid"])
    assert TOKEN not in str(agent.seen) + agent.stderr
    assert list((project / ".hookagent").glob("**/ngrok*")) == []


def test_the_agent_of_a_killed_hookagent_is_ended_at_the_next_start(
    tmp_path, fake_ngrok, ngrok_environment
):
    project = write_project(tmp_path / "p")
    with serving(project, "--tunnel", "ngrok", environ=ngrok_environment) as agent:
        agent.wait_for("tunnel", state="up")
        first = fake_ngrok.record["pid"]
        agent.kill()
    assert is_alive(first)

    with serving(project, "--tunnel", "ngrok", environ=ngrok_environment) as agent:
        agent.wait_for("tunnel", state="up")
        second = fake_ngrok.record["pid"]
        agent.stop()

    assert not is_alive(first)
    assert not is_alive(second)


def test_a_refused_tunnel_is_explained(tmp_path, fake_ngrok, ngrok_environment):
    project = write_project(tmp_path / "p")
    environ = {**ngrok_environment, "FAKE_NGROK": "badtoken"}
    with serving(project, "--tunnel", "ngrok", environ=environ) as agent:
        down = agent.wait_for("tunnel", state="down")
        agent.stop()

    assert "ERR_NGROK_105" in down["detail"]
    assert TOKEN not in str(agent.seen) + agent.stderr


async def through_a_relay(tmp_path, home: str, provider: str, body: bytes):
    """Serve behind a relay, send one signed request to it; return what was said and stored."""
    more = f'[tunnel]\nprovider = "{provider}"\nchannel = "{home}/Ab3dEf6h1jKl"\n'
    project = write_project(tmp_path / "p", more=more)

    def serve_and_wait() -> tuple[dict[str, Any], dict[str, Any]]:
        with serving(project) as agent:
            up = agent.wait_for("tunnel", state="up")
            loop.call_soon_threadsafe(is_up.set)
            delivered = agent.wait_for("delivered")
            agent.stop()
        return up, delivered

    loop = asyncio.get_running_loop()
    is_up = asyncio.Event()
    serving_task = asyncio.ensure_future(asyncio.to_thread(serve_and_wait))
    waiting = asyncio.ensure_future(is_up.wait())
    await asyncio.wait({serving_task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    headers = {"X-Shop-Signature": signature(body), "Content-Type": "application/json"}
    async with aiohttp.ClientSession() as client:
        await client.post(f"{home}/Ab3dEf6h1jKl", data=body, headers=headers)
    up, delivered = await serving_task
    stored = await asyncio.to_thread(partial(run, project, "inspect", "--json"))
    return up, delivered, lines(stored)


async def test_a_delivery_through_gosmee_is_verified_and_stored(tmp_path, serve):
    relay = EventRelay(as_gosmee)
    home = await serve(relay.app)

    up, delivered, stored = await through_a_relay(tmp_path, home, "gosmee", DELICATE)

    assert up["sources"] == {"shop": f"{home}/Ab3dEf6h1jKl"}
    assert (delivered["outcome"], delivered["status"]) == ("accepted", 200)
    assert [event["source"] for event in stored] == ["shop"]


async def test_a_delivery_that_smee_rewrote_is_unverifiable_and_not_forged(tmp_path, serve):
    relay = EventRelay(as_smee)
    home = await serve(relay.app)

    _, delivered, stored = await through_a_relay(tmp_path, home, "smee", DELICATE)

    assert (delivered["outcome"], delivered["code"]) == ("rejected", "unverifiable")
    assert stored == []


async def test_a_delivery_that_smee_left_as_it_was_is_verified(tmp_path, serve):
    relay = EventRelay(as_smee)
    home = await serve(relay.app)

    _, delivered, _ = await through_a_relay(tmp_path, home, "smee", PLAIN)

    assert delivered["outcome"] == "accepted"
