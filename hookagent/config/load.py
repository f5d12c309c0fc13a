"""Reads the configuration: flags over the environment over `.env` over `hookagent.toml`.

All problems are found in one reading and raised together. Nothing is created but the secrets that
a source asks to be made.
"""

import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hookagent.config import dotenv, layers, sections
from hookagent.config.find import STATE_FOLDER, find_file, shown, users_state
from hookagent.config.folders import NOWHERE
from hookagent.config.model import Config
from hookagent.config.own import read_own_schemes
from hookagent.config.reader import Reader
from hookagent.config.secrets import Keeper
from hookagent.config.sources import EXPECT_EVERY, read_sources
from hookagent.environment import Environment
from hookagent.errors import ConfigError, NotFound, Problem, Severity
from hookagent.located import Document, Table, parse
from hookagent.providers.catalog import Catalog

if TYPE_CHECKING:
    from hookagent.config.trust import TrustRegistry

ENV_FILE = ".env"
RULES = "rules"
SELDOM = ("expect", "watch", "log", "telemetry")
"""What is read only where there is something to read."""
STATE, STATE_VARIABLE, USERS = "state_folder", "HOOKAGENT_STATE_FOLDER", "user"
NO_FILE = "(no hookagent.toml)"
"""What problems call the file when there is none."""


def load(  # noqa: PLR0913 - everything a configuration comes from, each by name
    file: Path | None,
    *,
    environ: Mapping[str, str],
    cwd: Path,
    flags: Mapping[str, Any] | None = None,
    insecure: Collection[str] = (),
    registry: "TrustRegistry | None" = None,
) -> Config:
    """Read a configuration; without `file` the nearest `hookagent.toml` at or above `cwd`.

    `flags` are settings by dotted name, such as `{"server.port": 0}`. `insecure` are the sources
    that may go unverified in this run. Raises ConfigError with every problem found, and NotFound
    for an insecure source that is not there.
    """
    found = (cwd / file) if file is not None else find_file(cwd)
    text = _read(found, shown(found, cwd)) if found else ""
    name = shown(found, cwd) if found else NO_FILE
    problems: list[Problem] = []
    folder = found.parent if found else cwd
    reading = _Reading(found, folder, cwd, problems, environ)
    return reading.config(parse(text, name), flags or {}, insecure, registry)


class _Reading:
    """One reading of one configuration."""

    def __init__(
        self,
        file: Path | None,
        folder: Path,
        cwd: Path,
        problems: list[Problem],
        environ: Mapping[str, str],
    ) -> None:
        self.file = file
        self.folder = folder
        self.cwd = cwd
        self.problems = problems
        of_file = self._dotenv()
        self.variables = {**of_file, **environ}
        self.environment = Environment(self.variables, names_of_file=of_file)

    def config(
        self,
        document: Document,
        flags: Mapping[str, Any],
        insecure: Collection[str],
        registry: "TrustRegistry | None",
    ) -> Config:
        root = Table.root(document, self.problems)
        given = layers.outside(flags, self.variables, self.problems)
        readers = {
            name: Reader(layers.section(document, name, given, self.problems), self.environment)
            for name in layers.SETTINGS
        }
        state = self._state_folder(root)
        server = sections.read_server(readers["server"])
        catalog = read_own_schemes(root, self.folder, self.cwd)
        settings: dict[str, Any] = {
            "server": server,
            "inspector": sections.read_inspector(readers["inspector"]),
            "store": sections.read_store(readers["store"], self.folder, self.cwd, state),
            "worker": sections.read_worker(readers["worker"]),
            "tunnel": sections.read_tunnel(readers["tunnel"], self.variables),
            "sources": read_sources(
                root, self.environment, self._keeper(registry, catalog, state), server, insecure
            ),
            "catalog": catalog,
            "rules": self._rules(root),
            **self._watching(root, document, given, readers),
        }
        self._check_ports(root, settings)
        root.finish(*layers.SETTINGS)
        errors = [one for one in self.problems if one.severity is Severity.ERROR]
        if errors:
            raise ConfigError(self.problems)
        for name in insecure:
            if name not in settings["sources"]:
                raise NotFound.among("source", name, settings["sources"])
        return Config(
            file=self.file,
            folder=self.folder,
            state_folder=state,
            environment=self.environment,
            warnings=tuple(self.problems),
            provenance=MappingProxyType(_provenance(document, given)),
            **settings,
        )

    def _watching(
        self,
        root: Table,
        document: Document,
        given: Mapping[str, layers.Given],
        readers: Mapping[str, Reader],
    ) -> dict[str, Any]:
        """Read `[[expect]]` and the sections of `SELDOM`; most configurations have none of them."""
        sources = document.data.get("sources")
        tables = sources.values() if isinstance(sources, dict) else ()
        is_expecting = any(EXPECT_EVERY in one for one in tables if isinstance(one, dict))
        is_given = any(name.partition(".")[0] in SELDOM for name in given)
        if not is_expecting and not is_given and not any(key in root for key in SELDOM):
            return {}
        from hookagent.config import expect, telemetry

        inner = expect.source_tables(root, document)
        return {
            "watch": expect.read_watch(root, self.environment, inner, readers["watch"].table),
            "log": expect.read_log(readers["log"], self.folder),
            "telemetry": telemetry.read_telemetry(readers["telemetry"]),
        }

    def _dotenv(self) -> Mapping[str, str]:
        """Read `.env` beside the configuration; it may be missing."""
        file = self.folder / ENV_FILE
        if not file.is_file():
            return {}
        values, problems = dotenv.parse(_read(file, shown(file, self.cwd)), shown(file, self.cwd))
        self.problems.extend(problems)
        return values

    def _state_folder(self, root: Table) -> Path:
        """Return where events and secrets are: beside the file, in the user's folder, or there."""
        written = Reader(root, self.environment).text(STATE)
        text = self.variables.get(STATE_VARIABLE) or written
        if not text:
            return self.folder / STATE_FOLDER
        if text != USERS:
            return self.folder / text
        users = users_state(self.folder)
        if users.is_relative_to(NOWHERE):
            root.report(
                "no-home",
                "there is no home directory for the user's state",
                key=STATE,
                hint="set HOME or XDG_STATE_HOME, or write a path",
            )
        return users

    def _keeper(self, registry: "TrustRegistry | None", catalog: Catalog, state: Path) -> Keeper:
        file = self.file

        def is_trusted() -> bool:
            from hookagent.config.trust import users_registry

            return file is not None and (registry or users_registry()).is_trusted(file)

        return Keeper(
            folder=self.folder,
            state_folder=state,
            is_private=file is None or _is_private(file),
            is_trusted=is_trusted,
            catalog=catalog,
        )

    def _rules(self, root: Table) -> tuple[Path, ...]:
        """Return the folders and files of rules; the usual folder may be missing."""
        if "rules" not in root:
            return (self.folder / RULES,)
        reader = Reader(root, self.environment)
        paths = []
        is_list = isinstance(root.data["rules"], list)
        for place, text in enumerate(reader.texts("rules")):
            path = self.folder / text
            if "\0" in text or not path.exists():
                root.report(
                    "no-such-file",
                    f"no rules at `{text}`",
                    at=("rules", place) if is_list else ("rules",),
                )
            paths.append(path)
        return tuple(paths)

    def _check_ports(self, root: Table, settings: Mapping[str, Any]) -> None:
        server, inspector = settings["server"], settings["inspector"]
        if inspector.enabled and server.port and server.port == inspector.port:
            root.report(
                "same-port",
                f"listener and inspector cannot both have port {server.port}",
                at=("inspector", "port"),
                hint="the inspector must never be where the tunnel leads",
            )


def _read(file: Path, name: str) -> str:
    """Return a file's text. Raises ConfigError."""
    try:
        return file.read_bytes().decode("utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError([_unreadable(error, name)]) from None


def _unreadable(error: Exception, name: str) -> Problem:
    if isinstance(error, FileNotFoundError):
        return Problem(
            code="no-such-file",
            message="no such file",
            file=name,
            hint="`hookagent init` writes a first one",
        )
    if isinstance(error, UnicodeDecodeError):
        before = error.object[: error.start]
        return Problem(
            code="not-utf8",
            message="not UTF-8 text",
            file=name,
            line=before.count(b"\n") + 1,
            column=error.start - (before.rfind(b"\n") + 1) + 1,
        )
    reason = getattr(error, "strerror", None) or str(error)
    return Problem(code="unreadable-file", message=f"cannot be read: {reason}", file=name)


def _is_private(file: Path) -> bool:
    """Whether a file is ours and nobody else may read it."""
    status = file.stat()
    is_ours = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return is_ours and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _provenance(document: Document, given: Mapping[str, layers.Given]) -> dict[str, str]:
    """Say where each setting that is not a default came from."""
    origins = {}
    for section, keys in layers.SETTINGS.items():
        written = document.data.get(section, {})
        for key in keys:
            name = f"{section}.{key}"
            if name in given:
                origins[name] = given[name].origin
            elif key in written:
                line, _ = document.place_of_key((section, key))
                origins[name] = f"{document.file}:{line}"
    return origins
