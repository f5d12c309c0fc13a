"""Speaks the protocol over stdin and stdout, by the official SDK, which nothing else imports."""

import asyncio
import logging
from typing import Any

import anyio
import mcp_types as types
from mcp import MCPError
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from hookagent.actions.agents.fence import RULES
from hookagent.errors import HookagentError
from hookagent.mcp import arguments as given
from hookagent.mcp import prompts, tools
from hookagent.mcp.channel import CAPABILITY, INSTRUCTIONS, METHOD, Push, notices
from hookagent.mcp.desk import Desk
from hookagent.store.base import EventFilter
from hookagent.version import hookagent_version

Context = ServerRequestContext[Any]
EVENT_URI = "hookagent://event/"
RULES_URI = "hookagent://rules"
LISTED = 20
"""The newest events listed as resources."""


class Protocol:
    """Turns requests of the protocol into questions to the desk."""

    def __init__(self, desk: Desk, *, allow_write: bool) -> None:
        self._desk = desk
        self._tools = tools.offered(allow_write=allow_write)

    async def list_tools(
        self, _context: Context, _asked: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        """Declare the tools."""
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=name,
                    description=tool.about,
                    input_schema=tool.schema,
                    annotations=types.ToolAnnotations(
                        read_only_hint=not tool.writes,
                        destructive_hint=tool.writes,
                        idempotent_hint=not tool.writes,
                        open_world_hint=tool.writes,
                    ),
                )
                for name, tool in self._tools.items()
            ]
        )

    async def call_tool(
        self, _context: Context, asked: types.CallToolRequestParams
    ) -> types.CallToolResult:
        """Answer a call; what is wrong with it is an answer too."""
        try:
            text = await tools.call(self._desk, self._tools, asked.name, asked.arguments)
        except HookagentError as error:
            return _answer(tools.told(error), is_error=True)
        return _answer(text)

    async def list_resources(
        self, _context: Context, _asked: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """List the rules and the newest events."""
        found = await self._desk.store.events(EventFilter(limit=LISTED))
        rules = types.Resource(name="rules", uri=RULES_URI, mime_type="text/plain",
                               description="The rule files of this project.")  # fmt: skip
        events = [
            types.Resource(name=one.id, uri=EVENT_URI + one.id, mime_type="text/plain")
            for one in found
        ]
        return types.ListResourcesResult(resources=[rules, *events])

    async def list_templates(
        self, _context: Context, _asked: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """Say how any event is named."""
        event = types.ResourceTemplate(
            name="event",
            uri_template=EVENT_URI + "{id}",
            description="One event in full, its body fenced as untrusted data.",
            mime_type="text/plain",
        )
        return types.ListResourceTemplatesResult(resource_templates=[event])

    async def read_resource(
        self, _context: Context, asked: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """Show the rules or an event."""
        uri = str(asked.uri)
        try:
            text = await self._resource(uri)
        except HookagentError as error:
            raise _wrong(error) from None
        content = types.TextResourceContents(uri=uri, mime_type="text/plain", text=text)
        return types.ReadResourceResult(contents=[content])

    async def _resource(self, uri: str) -> str:
        if uri == RULES_URI:
            texts = await asyncio.to_thread(self._desk.rule_texts)
            return "\n".join(f"# {name}\n{text}" for name, text in texts.items())
        if not uri.startswith(EVENT_URI):
            raise MCPError(types.INVALID_PARAMS, f"no resource `{uri[:100]}`")
        return await self._desk.get_event(given.OneEvent(event=uri.removeprefix(EVENT_URI)))

    async def list_prompts(
        self, _context: Context, _asked: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        """Declare the prompts."""
        return types.ListPromptsResult(
            prompts=[
                types.Prompt(
                    name=name,
                    description=prompt.about,
                    arguments=[
                        types.PromptArgument(name=key, description=about, required=key == "event")
                        for key, about in prompt.arguments.items()
                    ],
                )
                for name, prompt in prompts.PROMPTS.items()
            ]
        )

    async def get_prompt(
        self, _context: Context, asked: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        """Fill a prompt."""
        try:
            text = await prompts.fill(self._desk, asked.name, asked.arguments or {})
        except HookagentError as error:
            raise _wrong(error) from None
        content = types.TextContent(type="text", text=text)
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=content)])


def _answer(text: str, *, is_error: bool = False) -> types.CallToolResult:
    content = types.TextContent(type="text", text=text)
    return types.CallToolResult(content=[content], is_error=is_error)


def _wrong(error: HookagentError) -> MCPError:
    return MCPError(types.INVALID_PARAMS, tools.told(error))


def server_of(desk: Desk, *, allow_write: bool, has_channel: bool) -> Server[Any]:
    """Make the server of a desk."""
    protocol = Protocol(desk, allow_write=allow_write)
    return Server(
        "hookagent",
        version=hookagent_version(),
        instructions=f"{RULES} {INSTRUCTIONS}" if has_channel else RULES,
        on_list_tools=protocol.list_tools,
        on_call_tool=protocol.call_tool,
        on_list_resources=protocol.list_resources,
        on_list_resource_templates=protocol.list_templates,
        on_read_resource=protocol.read_resource,
        on_list_prompts=protocol.list_prompts,
        on_get_prompt=protocol.get_prompt,
    )


async def serve(desk: Desk, *, allow_write: bool, push: Push | None) -> None:
    """Serve one client over stdin and stdout until it goes away."""
    logging.getLogger("mcp").setLevel(logging.ERROR)
    server = server_of(desk, allow_write=allow_write, has_channel=push is not None)
    capabilities = {} if push is None else {CAPABILITY: dict[str, Any]()}
    options = server.create_initialization_options(experimental_capabilities=capabilities)
    after = await desk.newest()
    async with stdio_server() as (reading, writing), anyio.create_task_group() as tasks:
        if push is None:
            await server.run(reading, writing, options)
            return
        ready = anyio.Event()
        inner, passed = anyio.create_memory_object_stream[SessionMessage | Exception](0)

        async def watch() -> None:
            """Hand on what the client says, and notice when it has introduced itself."""
            async with inner:
                async for message in reading:
                    await inner.send(message)
                    if getattr(message, "message", None) and _is_introduced(message):
                        ready.set()

        async def tell() -> None:
            await ready.wait()
            async for notice in notices(desk, push, after):
                told = types.JSONRPCNotification(
                    jsonrpc="2.0",
                    method=METHOD,
                    params={"content": notice.content, "meta": notice.meta},
                )
                await writing.send(SessionMessage(told))

        tasks.start_soon(watch)
        tasks.start_soon(tell)
        await server.run(passed, writing, options)
        tasks.cancel_scope.cancel()


def _is_introduced(message: SessionMessage | Exception) -> bool:
    """Whether a client says so that it knows us: it may be told things from now on."""
    if isinstance(message, Exception):
        return False
    method = getattr(message.message, "method", "")
    return method not in {"", "initialize"}
