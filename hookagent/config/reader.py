"""Reads one table of the configuration: `located.Table`, with variables, times, sizes, networks.

Every getter returns its default after reporting a problem, so that one reading finds them all. A
message quotes what the file says, never what a variable held.
"""

from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from hookagent.config.model import Network
from hookagent.environment import Environment, MissingVariable
from hookagent.errors import Problem, did_you_mean
from hookagent.located import Table, Where, describe, parse_duration, parse_size
from hookagent.lookup import PathError
from hookagent.subject import Reference, WrongReference, parse_reference


class Reader:
    """One table and the variables its texts may name."""

    def __init__(self, table: Table, environment: Environment) -> None:
        self.table = table
        self.environment = environment

    def expand(self, text: str, at: Where) -> str | None:
        """Put the variables in; one that is missing is a problem at its own column."""
        try:
            return self.environment.expand(text)
        except MissingVariable as missing:
            self._report_missing(missing, at)
            return None

    def _report_missing(self, missing: MissingVariable, at: Where) -> None:
        line, column = self.table.document.place_of_value((*self.table.where, *at))
        near = did_you_mean(missing.name, self.environment.names_of_file)
        self.table.problems.append(
            Problem(
                code="missing-variable",
                message=f"the variable `{missing.name}` is not set",
                file=self.table.document.file,
                line=line,
                column=column + 1 + missing.offset,
                hint=near or f"set it in the environment or in .env: {missing.name}=…",
            )
        )

    def text(self, key: str) -> str | None:
        """Return a string with its variables put in; None where it is left out."""
        value = self.table.text(key)
        return self.expand(value, (key,)) if value else None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a string or a list of strings with their variables put in."""
        is_list = isinstance(self.table.raw(key), list)
        expanded = (
            self.expand(text, (key, place) if is_list else (key,))
            for place, text in enumerate(self.table.texts(key))
        )
        return tuple(text for text in expanded if text is not None)

    def duration(self, key: str, default: int, *, least: int = 1) -> int:
        """Return milliseconds, written as `30s`, `1h30m` or `7d`."""
        written = self._unit(key, "a time such as `30s`, `10m` or `7d`")
        if written is None:
            return default
        value = parse_duration(written)
        if value is None:
            self.table.report(
                "bad-duration",
                f"`{key}` is not a time: `{self.table.raw(key)}`",
                key=key,
                hint="a number with ms, s, m, h, d or w: `90s`, `1h30m`",
            )
            return default
        return self._bounded(key, value, default, least, f"{least} ms")

    def size(self, key: str, default: int, *, least: int = 1, most: int | None = None) -> int:
        """Return bytes, written as `1 MiB` or `64 KiB`."""
        written = self._unit(key, "a size such as `1 MiB`")
        if written is None:
            return default
        value = parse_size(written)
        if value is None:
            self.table.report(
                "bad-size",
                f"`{key}` is not a size: `{self.table.raw(key)}`",
                key=key,
                hint="a number with B, KB, KiB, MB, MiB, GB or GiB: `1 MiB`",
            )
            return default
        if most is not None and value > most:
            self.table.report("out-of-range", f"`{key}` must be at most {most} bytes", key=key)
            return default
        return self._bounded(key, value, default, least, f"{least} bytes")

    def _unit(self, key: str, what: str) -> str | None:
        """Return what a quantity is written as; a bare number lacks its unit."""
        value = self.table.raw(key)
        if key not in self.table:
            return None
        if isinstance(value, str):
            return self.expand(value, (key,))
        self.table.report("wrong-type", f"`{key}` must be {what}, not {describe(value)}", key=key)
        return None

    def _bounded(self, key: str, value: int, default: int, least: int, bound: str) -> int:
        if value < least:
            self.table.report("out-of-range", f"`{key}` must be at least {bound}", key=key)
            return default
        return value

    def networks(self, key: str) -> tuple[Network, ...]:
        """Return addresses and networks, IPv4 or IPv6."""
        found = (
            self._network(key, text, place) for place, text in enumerate(self.table.texts(key))
        )
        return tuple(network for network in found if network is not None)

    def _network(self, key: str, written: str, place: int) -> Network | None:
        at: Where = (key, place) if isinstance(self.table.raw(key), list) else (key,)
        text = self.expand(written, at)
        if text is None:
            return None
        try:
            return ip_network(text)
        except ValueError as error:
            self.table.report(
                "bad-network",
                f"`{written}` is not an address or network",
                at=at,
                hint=_network_hint(text, str(error)),
            )
            return None

    def references(self, key: str) -> tuple[Reference, ...]:
        """Return one or several references into an event."""
        is_list = isinstance(self.table.raw(key), list)
        found = (
            self._reference(text, (key, place) if is_list else (key,))
            for place, text in enumerate(self.table.texts(key))
        )
        return tuple(reference for reference in found if reference is not None)

    def _reference(self, text: str, at: Where) -> Reference | None:
        try:
            return parse_reference(text)
        except PathError as error:
            hint = error.hint if isinstance(error, WrongReference) else None
            self.table.report("bad-reference", f"`{text}`: {error}", at=at, hint=hint)
            return None

    def url(self, key: str, *schemes: str) -> str | None:
        """Return a URL with a host, without a slash at its end."""
        text = self.text(key)
        if text is None:
            return None
        if not is_url(text, schemes):
            self.table.report(
                "bad-url",
                f"`{key}` is not a URL: `{self.table.raw(key)}`",
                key=key,
                hint="such as `https://hooks.example.test`",
            )
            return None
        return text.rstrip("/")

    def mapping(self, key: str) -> dict[str, Any]:
        """Return a table as it is written."""
        inner = self.table.table(key)
        return dict(inner.data) if inner else {}


def is_url(text: str, schemes: tuple[str, ...]) -> bool:
    """Whether a text is a URL of one of the schemes, with a host and a valid port."""
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _network_hint(text: str, reason: str) -> str:
    if reason.endswith("has host bits set"):
        return f"did you mean `{ip_network(text, strict=False)}`?"
    return "such as `192.0.2.7`, `192.0.2.0/24` or `2001:db8::/32`"
