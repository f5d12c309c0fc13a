"""Whole: the server as a process, spoken to by the SDK's own client over stdin and stdout."""

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest
from mcp import MCPError

from hookagent.mcp.tools import TOOLS
from tests.mcp.conftest import client, inside
from tests.patience import PATIENCE_S


def text_of(answer):
    return answer.content[0].text


async def test_a_client_finds_tools_resources_and_prompts(project):
    async with client(project.folder) as session:
        tools = (await session.list_tools()).tools
        prompts = (await session.list_prompts()).prompts
        resources = (await session.list_resources()).resources
        templates = (await session.list_resource_templates()).resource_templates

    assert [tool.name for tool in tools] == [name for name in TOOLS if name != "replay_event"]
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
    assert [prompt.name for prompt in prompts] == ["debug_delivery", "write_rule_for_event"]
    assert str(resources[0].uri) == "hookagent://rules"
    assert templates[0].uri_template == "hookagent://event/{id}"


async def test_an_event_is_listed_shown_and_explained(project):
    def store():
        return project.events({"id": "o-1", "type": "order.paid", "amount": 5})[0]

    event_id = await in_thread(store)
    async with client(project.folder) as session:
        rows = inside(text_of(await session.call_tool("list_events", {})))
        shown = inside(text_of(await session.call_tool("get_event", {"event": event_id})))
        why = inside(text_of(await session.call_tool("explain_rule", {"event": event_id})))
        resource = await session.read_resource(f"hookagent://event/{event_id}")
        rules = await session.read_resource("hookagent://rules")
        prompt = await session.get_prompt("debug_delivery", {"event": event_id})

    assert rows[0]["id"] == event_id
    assert shown["body"] == {"id": "o-1", "type": "order.paid", "amount": 5}
    assert why[0]["when"][0]["holds"] is False
    assert inside(resource.contents[0].text)["id"] == event_id
    assert "[rule.big]" in rules.contents[0].text
    assert event_id in prompt.messages[0].content.text


async def test_what_is_wrong_is_said_and_the_server_goes_on(project):
    async with client(project.folder) as session:
        unknown = await session.call_tool("get_event", {"event": "evt_0"})
        wrong = await session.call_tool("get_event", {"evnt": "x"})
        acting = await session.call_tool("replay_event", {"event": "evt_0"})
        with pytest.raises(MCPError):
            await session.read_resource("hookagent://nothing")
        fine = await session.call_tool("list_events", {})

    assert unknown.is_error
    assert "no event `evt_0`\nhint: `list_events` lists them" in text_of(unknown)
    assert wrong.is_error
    assert "--allow-write" in text_of(acting)
    assert not fine.is_error


async def test_with_write_allowed_replaying_is_offered(project):
    async with client(project.folder, "--allow-write") as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}

    assert tools["replay_event"].annotations.destructive_hint


async def test_a_channel_pushes_events_as_they_arrive(project):
    await in_thread(lambda: project.events({"id": "old", "type": "order.paid"}))
    raw = await raw_channel(project)

    assert raw["method"] == "notifications/claude/channel"
    assert raw["params"]["meta"]["webhook"] == "shop"
    assert inside(raw["params"]["content"])["body"]["id"] == "new"


async def raw_channel(project):
    """Speak the protocol by hand: the SDK's client drops notifications it does not know."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hookagent", "mcp", "--channel", cwd=project.folder,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    stdin = process.stdin
    assert stdin
    assert process.stdout

    def say(message):
        stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    try:
        client_info = {"name": "test", "version": "1"}
        say({"id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client_info}})  # fmt: skip
        answer = json.loads(await process.stdout.readline())
        assert answer["result"]["capabilities"]["experimental"] == {"claude/channel": {}}
        say({"method": "notifications/initialized"})
        await in_thread(lambda: project.events({"id": "new", "type": "order.paid"}))
        async with asyncio.timeout(PATIENCE_S):
            return json.loads(await process.stdout.readline())
    finally:
        stdin.close()
        await process.wait()


async def in_thread(work):
    """Run what has a loop of its own beside ours."""
    return await asyncio.to_thread(work)


def test_one_ctrl_c_ends_it_although_the_client_is_there(project):
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }}  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, "-m", "hookagent", "mcp"],
        cwd=project.folder,
        env=os.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(hello).encode() + b"\n")
        server.stdin.flush()
        assert b"hookagent" in server.stdout.readline()
        server.send_signal(signal.SIGINT)

        assert server.wait(PATIENCE_S) == 130
