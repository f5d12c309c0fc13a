"""`hookagent`: one run of one command, and the exit code it ends with.

A command lives in a module of its own, which is imported when it is called: `hookagent --help`
reads only the table below. A module `cli/NAME.py` defines either a function `NAME` or, where there
are subcommands, a `typer.Typer` named `app`. A command returns an `ExitCode`, or None for done.
"""

import errno
import os
import traceback
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_command

from hookagent.cli import guidance, output
from hookagent.errors import ExitCode, HookagentError, OutsideError


class Command(NamedTuple):
    """One line of `hookagent --help`."""

    module: str
    about: str


COMMANDS = {
    "init": Command("init", "Write a first hookagent.toml and rule"),
    "serve": Command("serve", "Listen for webhooks and run their rules"),
    "work": Command("work", "Work off what other nodes receive; on a shared store"),
    "forward": Command("forward", "Pass every webhook on to a local port; no file needed"),
    "replay": Command("replay", "Send an event again, freshly signed"),
    "sign": Command("sign", "Craft a signed request"),
    "verify": Command("verify", "Say whether a captured request is genuine, and why not"),
    "inspect": Command("inspect", "List, show, follow, compare and export events"),
    "wait": Command("wait", "Wait for events, for scripts and CI"),
    "diff": Command("diff", "Compare two deliveries by path"),
    "shapes": Command("shapes", "The fields of a type: types, nulls, what changed lately"),
    "export": Command("export", "Write events as JSON Lines, HAR, curl or a pytest module"),
    "import": Command("import_", "Read captures of other tools as an event file"),
    "rules": Command("rules", "Check, list, test, explain and write rules"),
    "retry": Command("retry", "Run dead runs again"),
    "dead": Command("dead", "List or discard dead runs"),
    "catchup": Command("catchup", "Find, fetch or ask for what was missed"),
    "approve": Command("approve", "Say yes or no to what a model proposes"),
    "sources": Command("sources", "List sources; arm one to take a key; show its secret"),
    "schemes": Command("schemes", "The catalogue of signature schemes"),
    "stats": Command("stats", "Rates, latencies, failures, last events"),
    "nodes": Command("nodes", "The nodes on a shared store, and whether they agree"),
    "tunnel": Command("tunnel", "Say which tunnels could be started here"),
    "mcp": Command("mcp", "Serve coding agents over the Model Context Protocol"),
    "service": Command("service", "Keep the agent running: systemd or launchd"),
    "doctor": Command("doctor", "Check everything and say how to mend it"),
    "store": Command("store", "Copy a whole store into another one; compare two"),
    "prune": Command("prune", "Remove events past their retention"),
    "trust": Command("trust", "Allow a configuration to start programs"),
    "spec": Command("spec", "Commands, options and exit codes as JSON"),
}
"""Every command in the order of the help: the module of `hookagent.cli` and one line about it."""


SENTENCE_MAX = 1_000


class Group(TyperGroup):
    """A group whose help says the whole first sentence of each command, however long it is."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [
            (name, command.get_short_help_str(SENTENCE_MAX).removesuffix("."))
            for name, command in commands
            if command is not None and not command.hidden
        ]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


class LazyGroup(TyperGroup):
    """A group that imports a command's module only when that command is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        return available()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Typer's signature
        command = COMMANDS.get(cmd_name)
        return load_command(cmd_name) if command and _exists(command) else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        names: Any = dict.fromkeys(self.list_commands(ctx))
        self.commands = names  # Typer suggests the nearest of these, and looks at nothing else
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        rows = [(name, COMMANDS[name].about) for name in self.list_commands(ctx)]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        super().format_epilog(ctx, formatter)
        guidance.write(formatter, os.environ)

    def invoke(self, ctx: Any) -> Any:
        code = super().invoke(ctx)
        if isinstance(code, int):
            raise typer.Exit(int(code))
        return code


def _exists(command: Command) -> bool:
    return find_spec(f"hookagent.cli.{command.module}") is not None


def available() -> list[str]:
    """Return the commands whose modules are there, in the order of the help."""
    return [name for name, command in COMMANDS.items() if _exists(command)]


def load_command(name: str) -> Any:
    """Import one command and return it as Typer's own object."""
    module = import_module(f"hookagent.cli.{COMMANDS[name].module}")
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(**APP)
        function = getattr(module, COMMANDS[name].module)
        app.command(name, help=function.__doc__)(function)
    command = get_command(app)
    command.name = name
    return command


APP: dict[str, Any] = {
    "cls": Group,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
    "no_args_is_help": True,
    "add_completion": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}
"""What every `typer.Typer` of hookagent is made with: plain text, no boxes."""

application = typer.Typer(
    **(APP | {"add_completion": True, "cls": LazyGroup}),
    help="A webhook agent: verifies, stores, acts, retries, explains and replays.",
    epilog="Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 wrong configuration,"
    " 4 not found, 5 the outside failed, 70 our bug, 130 interrupted.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from hookagent.version import hookagent_version

        output.data(hookagent_version())
        raise typer.Exit


@application.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Options that stand before the command."""


HELP_WIDTH = 88
"""Longer lines are hard to read; narrower terminals get narrower help."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Nothing else in hookagent exits."""
    output.prepare()
    try:
        get_command(application).main(
            args=None if argv is None else list(argv),
            prog_name=output.PROGRAM,
            terminal_width=min(output.width(), HELP_WIDTH),
        )
    except HookagentError as error:
        output.fail(error)
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except SystemExit as done:  # Typer always ends this way: usage 2, ^C 130, success 0
        return _code(done)
    except Exception as error:  # noqa: BLE001 - the one place where a bug of ours is told from a mistake of theirs
        outside = _outside(error)
        return _bug(error) if outside is None else _failed(outside)
    return ExitCode.DONE


def _code(done: SystemExit) -> int:
    try:
        output.flush()
    except SystemExit:
        return ExitCode.DONE
    except OSError as error:
        return _failed(_outside(error) or OutsideError(f"cannot write: {error.strerror}"))
    return done.code if isinstance(done.code, int) else ExitCode.DONE


FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""There is no room for what is to be written."""


def _outside(error: Exception) -> HookagentError | None:
    """Return what the machine did to us, or None where it was a bug of ours."""
    if not isinstance(error, OSError):
        return None
    if error.errno in FULL:
        where = f" {error.filename}" if error.filename else ""
        hint = "make room where the output or the file is"
        return OutsideError(f"cannot write{where}: {os.strerror(error.errno).lower()}", hint=hint)
    if isinstance(error, FileNotFoundError) and _is_folder_gone():
        hint = "go to one that is there: `cd` and its path"
        return OutsideError("the folder this was started in is gone", hint=hint)
    return None


def _is_folder_gone() -> bool:
    try:
        Path.cwd()
    except OSError:
        return True
    return False


def _failed(error: HookagentError) -> int:
    """Say it, whether or not what stdout still holds can be written."""
    try:
        output.flush()
    except (OSError, SystemExit):
        output.give_up()
    output.fail(error)
    return error.exit_code


def _bug(error: Exception) -> int:
    """Keep the traceback in a file, since a person can do nothing with it but send it."""
    from hookagent.cli import crash

    text = "".join(traceback.format_exception(error))
    try:
        file = crash.write(text, cwd=Path.cwd(), process=os.getpid(), environ=os.environ)
    except OSError:  # a disk that cannot be written to may be what led to the bug
        output.talk(crash.masked(text, os.environ))
        where = "above"
    else:
        where = f"in {file}"
    output.talk(f"{output.PROGRAM}: bug: {type(error).__name__}, which should never happen")
    output.talk(f"hint: please report it with the traceback {where}")
    return ExitCode.BUG
