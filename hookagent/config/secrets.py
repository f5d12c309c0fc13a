"""Where secrets come from, and which ones are no secrets.

    secret = "auto"                      made once, kept in the state folder
    secret = "${NAME}"                   from the environment or .env
    secret = { env = "NAME" }            the same
    secret = { file = "secret.txt" }     a file that only its owner may read
    secret = { cmd = ["pass", "show", "github"] }    what a program prints
    secret = { keyring = "service/user" }            the desktop's keyring
    secret = ["${NEW}", "${OLD}"]        several: any may match, the first signs

A plain text works where the configuration itself is private, else with a warning (SECURITY K2).
Blank ones, placeholders and short ones are refused (S1, S13).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookagent.config import vault
from hookagent.config.reader import Reader
from hookagent.environment import variables
from hookagent.errors import Severity, did_you_mean
from hookagent.located import Where, describe
from hookagent.providers.catalog import BUILT_IN, Catalog
from hookagent.providers.scheme import Scheme
from hookagent.providers.shape import Family

SECRET_BYTES_MIN = 16
"""Shorter ones can be guessed; Standard Webhooks asks for 24 to 64 bytes."""
SECRET_BYTES_GOOD = 24
FORMS = ("env", "file", "cmd", "keyring")

_PLACEHOLDER = re.compile(
    r"<.*>|\[.*\]|\{.*\}|\.{2,}|…+|x{3,}|\*{2,}|0+|"
    r"(?:your|my|the|a|some|put|insert|enter|replace|todo|fixme|change|example|dummy|placeholder)"
    r"(?:[-_ ]?[a-z]+)*|(?:secret|password|passwort|token|key|test|abc|123|letmein|s3cr3t)+",
    re.IGNORECASE,
)
"""Texts that stand where a secret should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """What reading a source may need besides the file it is written in."""

    folder: Path
    """Relative file names start here."""
    state_folder: Path
    is_private: bool
    """Whether only its owner may read the configuration."""
    is_trusted: Callable[[], bool]
    """Whether the configuration may run programs."""
    catalog: Catalog = BUILT_IN
    """The schemes that have a name here."""


class SecretReader:
    """Reads the secrets of one source."""

    def __init__(self, reader: Reader, keeper: Keeper, source: str, scheme: Scheme | None) -> None:
        self.reader = reader
        self.keeper = keeper
        self.source = source
        self.scheme = scheme
        """None where the scheme itself could not be read."""

    def read(self, key: str) -> list[tuple[str, Where]]:
        """Return every secret under a key with its place, unjudged, blank ones left out."""
        value = self.reader.table.raw(key)
        if key not in self.reader.table:
            return []
        if value == []:  # with nothing to check by, every delivery would be refused
            self._report("blank-secret", f"the `{key}` of source `{self.source}` is empty", (key,))
        found = []
        for at, one in _each(key, value):
            secret = self._one(one, at)
            if secret is not None and not secret.strip():
                self._report("blank-secret", f"the `{key}` of source `{self.source}` is blank", at)
            elif secret is not None:
                self.reader.environment.remember(secret)
                found.append((secret, at))
        return found

    def judge(self, secret: str, at: Where, *, may_be_short: bool) -> None:
        """Report a secret that anyone could guess."""
        size = len(secret.encode("utf-8", "surrogatepass"))
        what = f"the secret of source `{self.source}`"
        if _PLACEHOLDER.fullmatch(secret.strip()):
            self._report("placeholder-secret", f"{what} is a placeholder", at, _MAKE_ONE)
        elif size < SECRET_BYTES_MIN and not may_be_short:
            self._report(
                "short-secret",
                f"{what} has {size} bytes, and fewer than {SECRET_BYTES_MIN} can be guessed",
                at,
                f"{_MAKE_ONE}; where the provider fixes it, add: short_secret = true",
            )
        elif size < SECRET_BYTES_GOOD and not may_be_short:
            self._report(
                "short-secret",
                f"{what} has {size} bytes; {SECRET_BYTES_GOOD} or more are better",
                at,
                _MAKE_ONE,
                severity=Severity.WARNING,
            )

    def _one(self, value: Any, at: Where) -> str | None:
        if isinstance(value, str):
            return self._text(value, at)
        if isinstance(value, dict):
            return self._form(value, at)
        self._report("wrong-type", f"a secret must be a string, not {describe(value)}", at)
        return None

    def _text(self, text: str, at: Where) -> str | None:
        if text == "auto":
            return self._made(at)
        if not variables(text) and text.strip() and not self.keeper.is_private:
            self._report(
                "plain-secret",
                f"the secret of source `{self.source}` stands here for everyone to read",
                at,
                'move it to .env and write "${NAME}", or: chmod 600 the file',
                severity=Severity.WARNING,
            )
        return self.reader.expand(text, at)

    def _made(self, at: Where) -> str | None:
        scheme = self.scheme
        if scheme is None or not is_name(self.source):
            return None
        if scheme.key_family is not None:
            self._report(
                "no-made-secret",
                f"scheme `{scheme.name}` checks with the provider's public key, not with a secret",
                at,
                'write the provider\'s key: public_key = { file = "key.pem" }',
            )
            return None
        made = self._kept(
            lambda: vault.made_secret(self.keeper.state_folder, self.source, scheme.secret), at
        )
        is_pair = scheme.family is Family.BASIC
        return f"hookagent:{made}" if made and is_pair else made

    def _form(self, table: dict[str, Any], at: Where) -> str | None:
        names = list(table)
        if len(names) != 1 or names[0] not in FORMS:
            unknown = next((name for name in names if name not in FORMS), "")
            self._report(
                "unknown-key",
                "a secret is one of `env`, `file`, `cmd` and `keyring`",
                (*at, unknown) if unknown else at,
                did_you_mean(unknown, FORMS),
            )
            return None
        name, value = names[0], table[names[0]]
        inner = (*at, name)
        if name == "cmd":
            return self._command(value, inner)
        if not isinstance(value, str) or not value:
            self._report("wrong-type", f"`{name}` must be a string", inner)
            return None
        return self._named(name, value, inner)

    def _named(self, name: str, value: str, at: Where) -> str | None:
        if name == "env":
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
                self._report("bad-variable", f"`{value}` is not a variable's name", at)
                return None
            return self.reader.expand(f"${{{value}}}", at)
        if name == "file":
            return self._kept(lambda: vault.from_file(self.keeper.folder / value), at)
        return self._kept(lambda: vault.from_keyring(value), at)

    def _command(self, value: Any, at: Where) -> str | None:
        if not (isinstance(value, list) and value and all(isinstance(one, str) for one in value)):
            self._report("wrong-type", "`cmd` must be a list: the program and its arguments", at)
            return None
        if not self.keeper.is_trusted():
            self._report(
                "not-trusted",
                f"`{value[0]}` is not run: nobody said that this file may run programs",
                at,
                "read the file, then: hookagent trust",
            )
            return None
        return self._kept(lambda: vault.from_command(value, self.keeper.folder), at)

    def _kept(self, fetch: Callable[[], str], at: Where) -> str | None:
        try:
            return fetch()
        except vault.Unreadable as error:
            self._report("unreadable-secret", error.message, at, error.hint)
            return None

    def _report(
        self,
        code: str,
        message: str,
        at: Where,
        hint: str | None = None,
        *,
        severity: Severity = Severity.ERROR,
    ) -> None:
        self.reader.table.report(code, message, at=at, hint=hint, severity=severity)


def is_name(name: str) -> bool:
    """Whether a text can be a source's name: in rules, in file names, in URLs."""
    return bool(_NAME.fullmatch(name))


_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_MAKE_ONE = 'use `secret = "auto"`, or make one: openssl rand -hex 32'


def _each(key: str, value: Any) -> Iterator[tuple[Where, Any]]:
    """Yield what is written under a key with its place: one, or each of a list."""
    if isinstance(value, list):
        for place, one in enumerate(value):
            yield (key, place), one
    else:
        yield (key,), value
