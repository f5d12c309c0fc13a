"""Writes this server into a coding agent's configuration, and nothing else in it is changed.

claude    .mcp.json of the project          code.claude.com/docs/en/mcp
cursor    .cursor/mcp.json of the project   docs.cursor.com/context/mcp
vscode    .vscode/mcp.json of the project   code.visualstudio.com/docs/copilot/chat/mcp-servers
codex     ~/.codex/config.toml              developers.openai.com/codex/mcp
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from hookagent.errors import AnswerNo, NotFound

NAME = "hookagent"


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """Where a client has its servers."""

    file: str
    """From the project, or from the user's folder where it begins with `~`."""
    key: str
    """The table of servers."""
    extra: dict[str, str] = {}


CLIENTS: Mapping[str, Client] = {
    "claude": Client(file=".mcp.json", key="mcpServers"),
    "cursor": Client(file=".cursor/mcp.json", key="mcpServers"),
    "vscode": Client(file=".vscode/mcp.json", key="servers", extra={"type": "stdio"}),
    "codex": Client(file="~/.codex/config.toml", key="mcp_servers"),
}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it is to be."""

    path: Path
    text: str
    is_there: bool
    """Whether it says so already."""


def client_of(name: str) -> Client:
    """Return a client. Raises NotFound."""
    if name not in CLIENTS:
        raise NotFound.among("client", name, CLIENTS)
    return CLIENTS[name]


def plan(name: str, command: Sequence[str], *, folder: Path, home: Path) -> Change:
    """Say what a client's file is to be. Raises NotFound, and AnswerNo where it cannot be read."""
    client = client_of(name)
    in_home = client.file.startswith("~/")
    path = home / client.file.removeprefix("~/") if in_home else folder / client.file
    text = path.read_text("utf-8") if path.exists() else ""
    entry = {**client.extra, "command": command[0], "args": list(command[1:])}
    made = _toml if path.suffix == ".toml" else _json
    changed = made(text, client, entry, path)
    return Change(path=path, text=changed, is_there=changed == text)


def _json(text: str, client: Client, entry: dict[str, Any], path: Path) -> str:
    try:
        whole = msgspec.json.decode(text) if text.strip() else {}
        servers = whole.setdefault(client.key, {})
        if servers.get(NAME) == entry:
            return text
        servers[NAME] = entry
    except (msgspec.DecodeError, AttributeError, TypeError):
        shown = msgspec.json.encode({client.key: {NAME: entry}}).decode()
        raise AnswerNo(
            f"`{path}` is not plain JSON, so it is left alone", hint=f"add this to it: {shown}"
        ) from None
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


def _toml(text: str, client: Client, entry: dict[str, Any], path: Path) -> str:
    """Add a table at the end, so that comments and order of the rest stay."""
    table = tomli_w.dumps({client.key: {NAME: entry}})
    try:
        servers = tomllib.loads(text).get(client.key, {})
        there = servers.get(NAME)
    except (tomllib.TOMLDecodeError, AttributeError):
        raise AnswerNo(
            f"`{path}` cannot be read, so it is left alone", hint=f"add this to it:\n{table}"
        ) from None
    if there == entry:
        return text
    if there is not None:
        raise AnswerNo(
            f"`{path}` has a server `{NAME}` that starts something else",
            hint=f"replace it with:\n{table}",
        )
    gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
    return text + gap + table


def write(change: Change) -> None:
    """Write the file, its folder made where there is none."""
    change.path.parent.mkdir(parents=True, exist_ok=True)
    change.path.write_text(change.text, "utf-8")
