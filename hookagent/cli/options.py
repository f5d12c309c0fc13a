"""The options that several commands share, and what the shell offers while they are typed.

def stats(config: ConfigOption = None, *, json: JsonOption = False) -> None: ...
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer


def complete_source(incomplete: str) -> list[str]:
    """Offer the names of the configuration's sources."""
    from hookagent.cli import settings

    return _beginning(incomplete, settings.source_names(Path.cwd(), os.environ))


def complete_scheme(incomplete: str) -> list[str]:
    """Offer the names of the catalogue, and of the project's own schemes."""
    from hookagent.cli import settings
    from hookagent.errors import ConfigError
    from hookagent.providers import catalog

    try:
        names = settings.load_catalog(None).names()
    except ConfigError:
        names = catalog.names()
    return _beginning(incomplete, names)


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        envvar="HOOKAGENT_CONFIG",
        help="The configuration; hookagent.toml here or above when left out.",
        show_envvar=False,
    ),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="The store, such as sqlite:///events.db; the configuration's when left out.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Write JSON to stdout, one value per line where many.")
]
SourceOption = Annotated[
    str | None,
    typer.Option(
        "--source", metavar="NAME", help="Only this source.", autocompletion=complete_source
    ),
]
AsSourceOption = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="NAME",
        help="The source they are of: its scheme and secrets.",
        autocompletion=complete_source,
    ),
]
SchemeOption = Annotated[
    str | None,
    typer.Option(
        "--scheme",
        metavar="NAME",
        help="A signature scheme of the catalogue.",
        autocompletion=complete_scheme,
    ),
]
LimitOption = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=1, help="At most this many.")
]
