"""`hookagent trust`: say what a project may start, after reading it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hookagent.cli import output
from hookagent.cli.options import ConfigOption, JsonOption
from hookagent.errors import NotFound, OutsideError

if TYPE_CHECKING:
    from hookagent.config.trust import TrustRegistry


def trust(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="The files; the configuration and its rules when left out.",
            show_default=False,
        ),
    ] = None,
    *,
    config: ConfigOption = None,
    forget: Annotated[bool, typer.Option("--forget", help="Trust them no more.")] = False,
    json: JsonOption = False,
) -> None:
    """Allow a project to start the programs its rules name; a new one asks again.

    Example: hookagent trust
    """
    from hookagent.config.trust import users_registry

    registry = users_registry()
    try:
        for file in files or [_configuration(config)]:
            if not file.is_file():
                raise NotFound(f"no file `{file}`")
            done = registry.forget(file) if forget else bool(registry.trust(file))
            if json:
                output.json_line({"file": str(file.resolve()), "trusted": not forget})
            else:
                output.talk(_said(file, forget=forget, done=done))
        if not files:
            _project(registry, _configuration(config), forget=forget, as_json=json)
    except OSError as error:
        raise OutsideError(f"cannot write {registry.file}: {error.strerror}") from None


def _project(registry: "TrustRegistry", file: Path, *, forget: bool, as_json: bool) -> None:
    """Allow, or no longer allow, what the project's rules and tunnel start. Raises OSError."""
    if forget:
        registry.forget(file.parent)
        return
    from hookagent.cli import settings
    from hookagent.pipeline.allowance import commands
    from hookagent.pipeline.rulebook import load_rulebook

    loaded = settings.load_config(file)
    book = load_rulebook(loaded.rules, loaded.folder, loaded.environment)
    found = commands(book.ruleset, loaded.tunnel)
    registry.allow(loaded.folder, found)
    for command in found:
        if as_json:
            output.json_line({"project": str(loaded.folder), "command": command, "trusted": True})
        else:
            output.talk(f"may start: {output.safe_line(command, most=COMMAND_SHOWN_MAX)}")


COMMAND_SHOWN_MAX = 2_000
"""A command must be seen whole to be judged; this is for one that is meant to be overlooked."""


def _said(file: Path, *, forget: bool, done: bool) -> str:
    if not forget:
        return f"{file} may start programs until it is changed"
    return f"{file} may not start programs any more" if done else f"{file} was not trusted"


def _configuration(config: Path | None) -> Path:
    from hookagent.config.find import find_file

    found = config or find_file(Path.cwd())
    if found is None:
        raise NotFound("no hookagent.toml here or above", hint="name the file: --config FILE")
    return found
