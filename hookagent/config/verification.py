"""How a source is verified: its scheme, its keys, and the settings they name."""

import re
from typing import NamedTuple

from hookagent.config import vault
from hookagent.config.reader import Reader
from hookagent.config.secrets import Keeper, SecretReader
from hookagent.errors import ConfigError, NotFound, Severity
from hookagent.located import Where
from hookagent.providers.provider import Provider, Variant
from hookagent.providers.scheme import Scheme, read_scheme
from hookagent.providers.secret import key_of
from hookagent.providers.shape import Family


class Chosen(NamedTuple):
    """A source's scheme, and what the catalogue brings along with it."""

    scheme: Scheme | None = None
    provider: Provider | None = None
    variant: Variant | None = None


class VerificationReader:
    """Reads what verifies the deliveries of one source."""

    def __init__(self, name: str, reader: Reader, keeper: Keeper) -> None:
        self.name = name
        self.reader = reader
        self.table = reader.table
        self.keeper = keeper

    def scheme(self) -> Chosen:
        """Return the scheme, by its name in the catalogue or as it is written."""
        written = self.table.raw("scheme")
        if not self._has("scheme"):
            self.table.report(
                "missing-scheme",
                f"source `{self.name}` does not say how its deliveries are verified",
                at=(),
                on_key=True,
                hint='add a scheme: `hookagent schemes` lists them; scheme = "none" checks nothing',
            )
        elif isinstance(written, str):
            return self._named_scheme(written)
        else:
            inner = self.table.table("scheme")
            if inner is not None:
                return Chosen(read_scheme(inner, self.name))
        return Chosen()

    def _named_scheme(self, name: str) -> Chosen:
        try:
            provider = self.keeper.catalog.provider_of(name)
        except NotFound as error:
            self.table.report(
                "unknown-scheme",
                error.message,
                key="scheme",
                hint=error.hint or "`hookagent schemes` lists them all",
            )
            return Chosen()
        given = {key: self.table.data[key] for key in provider.asks if key in self.table}
        scheme = provider.read_completed(self.table, given, name)
        return Chosen(scheme, provider, provider.variants[name])

    def secrets(self, scheme: Scheme | None, *, may_come_later: bool) -> tuple[str, ...]:
        """Return the secrets; none where the provider hands one over in a handshake."""
        reader = SecretReader(self.reader, self.keeper, self.name, scheme)
        may_be_short = self.table.boolean("short_secret")
        found = [*reader.read("secret"), *reader.read("public_key")]
        if scheme is None:
            return ()
        if scheme.family is Family.NONE:
            if found:
                self.table.report(
                    "unused-secret",
                    "scheme `none` checks nothing, this secret either",
                    at=found[0][1],
                    severity=Severity.WARNING,
                )
            return ()
        for secret, at in found:
            reader.judge(secret, at, may_be_short=may_be_short)
            self._check_key(scheme, secret, at)
        is_given = self._has("secret") or self._has("public_key")
        needs_key = scheme.needs_secret or not self._can_fetch(scheme)
        if needs_key and not is_given and not may_come_later:
            self._report_no_secret(scheme)
        given = self._given() if may_come_later else ()
        return (*given, *(secret for secret, _ in found))

    def _can_fetch(self, scheme: Scheme) -> bool:
        """Whether the source has what it takes to fetch the provider's key."""
        return scheme.keys is None or all(self._has(name) for name in scheme.keys.credentials)

    def _given(self) -> tuple[str, ...]:
        """Return the key the provider handed over, if it did: it goes before written ones."""
        try:
            given = vault.given_secret(self.keeper.state_folder, self.name)
        except vault.Unreadable as error:
            self.table.report("unreadable-secret", error.message, at=(), hint=error.hint)
            return ()
        if given is None:
            return ()
        self.reader.environment.remember(given)
        return (given,)

    def _check_key(self, scheme: Scheme, secret: str, at: Where) -> None:
        """Report a secret that cannot be the key of its scheme, before the first delivery does."""
        if scheme.family is Family.BASIC and ":" not in secret:
            self.table.report("bad-secret", "basic auth needs `user:password`", at=at)
        try:
            if scheme.family in {Family.HMAC, Family.HASH}:
                key_of(secret, scheme.secret)
            elif scheme.key_family is not None:
                from hookagent.providers.verify import Verifier  # imports cryptography

                Verifier(scheme, [secret])
        except ConfigError as error:
            problem = error.problems[0]
            self.table.report(problem.code, problem.message, at=at, hint=problem.hint)

    def _report_no_secret(self, scheme: Scheme) -> None:
        variable = re.sub(r"[^A-Z0-9]", "_", self.name.upper()) + "_SECRET"
        self.table.report(
            "missing-secret",
            f"source `{self.name}` has no "
            + ("public key" if scheme.key_family is not None else "secret")
            + f" for scheme `{scheme.name}`",
            at=(),
            on_key=True,
            hint='add: public_key = { file = "key.pem" }'
            if scheme.key_family is not None
            else f'add: secret = "${{{variable}}}", or "auto" to have one made',
        )

    def settings(self, chosen: Chosen) -> dict[str, str]:
        """Return the values the scheme and its handshakes name; the scheme's must be there."""
        explained = chosen.provider.settings if chosen.provider else {}
        needed = chosen.scheme.settings if chosen.scheme else ()
        values = {}
        for name in dict.fromkeys((*needed, *explained)):
            value = self.reader.text(name)
            if value is not None:
                values[name] = value
            elif name in needed and name not in self.table:
                meaning = explained.get(name, "")
                self.table.report(
                    "missing-key",
                    f"scheme `{chosen.scheme.name if chosen.scheme else ''}` needs `{name}`",
                    key="scheme",
                    hint=f'add: {name} = "…"' + (f" ({meaning})" if meaning else ""),
                )
        return values

    def _has(self, key: str) -> bool:
        return key in self.table
