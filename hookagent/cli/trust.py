"""`hookagent trust`: say that a configuration may start programs, after reading it."""

from pathlib import Path
from typing import Annotated

import typer

from hookagent.cli import output
from hookagent.cli.options import ConfigOption, JsonOption
from hookagent.errors import NotFound, OutsideError


def trust(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="The files; the configuration when left out.",
            show_default=False,
        ),
    ] = None,
    *,
    config: ConfigOption = None,
    forget: Annotated[bool, typer.Option("--forget", help="Trust them no more.")] = False,
    json: JsonOption = False,
) -> None:
    """Allow a file to start programs, as it is now; a change asks again.

    Example: hookagent trust hookagent.toml
    """
    from hookagent.config.trust import users_registry

    registry = users_registry()
    for file in files or [_configuration(config)]:
        if not file.is_file():
            raise NotFound(f"no file `{file}`")
        try:
            done = registry.forget(file) if forget else bool(registry.trust(file))
        except OSError as error:
            raise OutsideError(f"cannot write {registry.file}: {error.strerror}") from None
        if json:
            output.json_line({"file": str(file.resolve()), "trusted": not forget})
        else:
            output.talk(_said(file, forget=forget, done=done))


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
