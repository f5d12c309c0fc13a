"""How a command comes by its configuration: found, read, its warnings said."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookagent.cli import output

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.providers.catalog import Catalog

NO_SOURCE = "no source is configured; `hookagent init` writes a hookagent.toml with one"


def load_config(
    file: Path | None,
    *,
    store: str | None = None,
    flags: Mapping[str, Any] | None = None,
    insecure: Collection[str] = (),
    say_warnings: bool = True,
) -> "Config":
    """Read the configuration of a command. Raises ConfigError with every problem found.

    `flags` are settings by their dotted name (`{"server.port": 0}`); None means not given.
    `insecure` names the sources that may go unverified in this run.
    """
    from hookagent.config.load import load

    given = {"store.url": store, **(flags or {})}
    config = load(
        file,
        environ=os.environ,
        cwd=Path.cwd(),
        flags={name: value for name, value in given.items() if value is not None},
        insecure=insecure,
    )
    if say_warnings:
        output.problems(config.warnings)
    return config


def load_catalog(file: Path | None) -> "Catalog":
    """Return the schemes that have a name here: the catalogue's and the project's own.

    Raises ConfigError for a scheme's file that is wrong.
    """
    from hookagent.config.own import catalog_of

    return catalog_of(file, Path.cwd())


def source_names(cwd: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the sources' names without judging the file: completion must never fail."""
    import tomllib

    from hookagent.config.find import find_file

    named = environ.get("HOOKAGENT_CONFIG")
    file = Path(named) if named else find_file(cwd)
    try:
        sources = tomllib.loads(file.read_text("utf-8")).get("sources", {}) if file else {}
    except (OSError, ValueError):
        return ()
    return tuple(sources) if isinstance(sources, dict) else ()
