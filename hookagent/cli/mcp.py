"""`hookagent mcp`: what arrived here as tools for a coding agent."""

import asyncio
import os
import shutil
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hookagent.cli import output, settings
from hookagent.cli.main import APP
from hookagent.cli.options import ConfigOption, SourceOption, StoreOption
from hookagent.errors import ExitCode, OutsideError

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.mcp.channel import Push

app = typer.Typer(**(APP | {"no_args_is_help": False}))


@app.callback(invoke_without_command=True)
def mcp(
    context: typer.Context,
    config: ConfigOption = None,
    store: StoreOption = None,
    source: SourceOption = None,
    *,
    type_: Annotated[
        str, typer.Option("--type", metavar="GLOB", help="Push only events of this type.")
    ] = "",
    allow_write: Annotated[
        bool, typer.Option("--allow-write", help="Offer replay_event, which makes rules act.")
    ] = False,
    channel: Annotated[
        bool, typer.Option("--channel", help="Push events into a live Claude Code session.")
    ] = False,
    allow_unverified: Annotated[
        bool, typer.Option("--allow-unverified", help="Push events nobody signed as well.")
    ] = False,
) -> ExitCode | None:
    """Serve the Model Context Protocol over stdin and stdout, for Claude, Cursor, Codex, VS Code.

    Example: hookagent mcp setup claude

    Example: hookagent mcp --channel --source github
    """
    if context.invoked_subcommand is not None:
        return None
    _need_sdk()
    from hookagent.mcp.channel import Push
    from hookagent.store.base import EventFilter

    push = None
    if channel:
        wanted = EventFilter(source=source or "", type=type_)
        push = Push(wanted=wanted, allow_unverified=allow_unverified)
    loaded = settings.load_config(config, store=store)
    asyncio.run(_serve(loaded, push, allow_write=allow_write))
    return ExitCode.DONE


def _need_sdk() -> None:
    if find_spec("mcp") is None:
        raise OutsideError(
            "`mcp`, the protocol's SDK, is not installed",
            hint="pip install 'hookagent[mcp]'",
        )


async def _serve(config: "Config", push: "Push | None", *, allow_write: bool) -> None:
    from hookagent.cli.clock import clock
    from hookagent.cli.storing import opened
    from hookagent.mcp.desk import Desk
    from hookagent.mcp.server import serve

    # The protocol's thread reads from stdin until the client goes away, and cannot be interrupted.
    signal.signal(signal.SIGINT, lambda *_: os._exit(ExitCode.INTERRUPTED))
    async with opened(config) as store:
        await serve(Desk(config, store, clock), allow_write=allow_write, push=push)


def _complete_client(incomplete: str) -> list[str]:
    from hookagent.mcp.setup import CLIENTS

    return sorted(name for name in CLIENTS if name.startswith(incomplete))


@app.command("setup")
def setup(
    client: Annotated[
        str,
        typer.Argument(help="claude, cursor, codex or vscode.", autocompletion=_complete_client),
    ],
    config: ConfigOption = None,
    *,
    channel: Annotated[
        bool, typer.Option("--channel", help="Let it push events into the session.")
    ] = False,
    allow_write: Annotated[
        bool, typer.Option("--allow-write", help="Let it replay events.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the file instead of writing it.")
    ] = False,
) -> ExitCode:
    """Write this server into a coding agent's configuration; nothing else in it is changed.

    Example: hookagent mcp setup claude --dry-run
    """
    from hookagent.config.find import find_file
    from hookagent.mcp.setup import plan, write

    file = config or find_file(Path.cwd())
    command = [*_program(), "mcp"]
    command += ["--config", str(file.resolve())] if file else []
    command += ["--channel"] * channel + ["--allow-write"] * allow_write
    folder = file.resolve().parent if file else Path.cwd()
    change = plan(client, command, folder=folder, home=Path.home())
    if dry_run:
        output.talk(f"{change.path}:")
        output.data(change.text.rstrip("\n"))
        return ExitCode.DONE
    if not change.is_there:
        write(change)
    output.data(f"{change.path}  {'is as it should be' if change.is_there else 'written'}")
    if channel and client == "claude":
        output.talk(
            "start it with: claude --dangerously-load-development-channels server:hookagent"
        )
    return ExitCode.DONE


def _program() -> list[str]:
    """Return how this program is started: by its name where that is on PATH."""
    found = shutil.which(output.PROGRAM)
    return [found] if found else [sys.executable, "-m", "hookagent"]
