"""Settings from outside the file: flags over variables over the file.

`[server] port` is `HOOKAGENT_SERVER_PORT` in the environment (and in `.env`), for every setting of
the sections below. A flag is given under the same dotted name, `server.port`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from hookagent.errors import Problem, Severity, did_you_mean
from hookagent.located import Document, Table, Where

PREFIX = "HOOKAGENT_"

SETTINGS: Mapping[str, tuple[str, ...]] = {
    "server": (
        "host", "port", "max_body", "public_url", "trusted_proxies", "max_connections",
        "max_bodies", "read_timeout", "keepalive", "queue", "failures_per_minute",
    ),
    "inspector": ("port", "enabled", "token"),
    "store": ("url", "retention", "statistics", "max_size", "max_rejected"),
    "worker": ("concurrency", "lease", "grace"),
    "tunnel": (
        "provider", "domain", "authtoken", "binary", "command", "url_pattern", "host", "key_file",
        "known_hosts", "remote_port", "channel", "path", "start_timeout",
    ),
    "watch": (
        "enabled", "sensitivity", "errors_percent", "errors_least", "signatures", "skew",
        "queue_age", "disk_free", "tunnel_down", "expires_within", "remind", "heartbeat_url",
        "heartbeat_every",
    ),
    "log": ("enabled", "format", "level", "folder", "max_size", "kept"),
    "telemetry": (
        "enabled", "traces", "metrics", "endpoint", "service_name", "incoming",
    ),
}  # fmt: skip
"""Every setting that is not of a source, by its section. `[[expect]]` and `[log.levels]` are not
here: a list of tables and a table of parts have no names that variables could have."""


class Given:
    """A value from outside the file, and what to call its origin."""

    def __init__(self, value: Any, origin: str) -> None:
        self.value = value
        self.origin = origin


class LayeredTable(Table):
    """A section whose keys may come from outside the file; problems then name that place."""

    origins: Mapping[str, str] = {}

    def report(
        self,
        code: str,
        message: str,
        *,
        key: str | int | None = None,
        at: Where | None = None,
        **rest: Any,
    ) -> None:
        first = at[0] if at else key
        origin = self.origins.get(str(first)) if first is not None else None
        if origin is None:
            super().report(code, message, key=key, at=at, **rest)
            return
        self.problems.append(
            Problem(code=code, message=message, file=origin, hint=rest.get("hint"))
        )


def outside(
    flags: Mapping[str, Any], variables: Mapping[str, str], problems: list[Problem]
) -> dict[str, Given]:
    """Collect what is given outside the file, by dotted name; flags win over variables."""
    given: dict[str, Given] = {}
    for name, variable in _variables():
        if variables.get(variable):
            given[name] = Given(_plain(variables[variable]), variable)
    for name, value in flags.items():
        given[name] = Given(value, flag_name(name))
    problems.extend(_unknown(variables))
    return given


def flag_name(setting: str) -> str:
    """Return the flag that sets one setting."""
    return _FLAGS.get(setting) or "--" + setting.rpartition(".")[2].replace("_", "-")


_FLAGS = {
    "store.url": "--store",
    "tunnel.provider": "--tunnel",
    "inspector.port": "--inspector-port",
}
"""Flags that are not called after the last word of their setting."""


def _variables() -> Iterator[tuple[str, str]]:
    for section, keys in SETTINGS.items():
        for key in keys:
            yield f"{section}.{key}", variable_name(section, key)


def variable_name(section: str, key: str) -> str:
    """Return the variable that sets one setting."""
    return f"{PREFIX}{section}_{key}".upper()


def _unknown(variables: Mapping[str, str]) -> Iterator[Problem]:
    known = {variable for _, variable in _variables()}
    sections = tuple(f"{PREFIX}{section}_".upper() for section in SETTINGS)
    for name in sorted(variables):
        if name.startswith(sections) and name not in known:
            yield Problem(
                code="unknown-variable",
                message=f"no setting is called `{name}`",
                hint=did_you_mean(name, known),
                severity=Severity.WARNING,
            )


def _plain(text: str) -> Any:
    """Read a variable's text as TOML would have written it: numbers, truth, else text."""
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text  # noqa: PLR2004 - no setting is larger


def section(
    document: Document, name: str, given: Mapping[str, Given], problems: list[Problem]
) -> LayeredTable:
    """Return the reader of one section, with what is given outside put over it."""
    written = document.data.get(name, {})
    if not isinstance(written, dict):
        Table.root(document, problems).table(name)
        written = {}
    over = {key: given[f"{name}.{key}"] for key in SETTINGS[name] if f"{name}.{key}" in given}
    data = written | {key: one.value for key, one in over.items()}
    table = LayeredTable(document, (name,), data, problems)
    table.origins = {key: one.origin for key, one in over.items()}
    return table
