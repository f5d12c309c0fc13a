"""A webhook to send in a test: what the provider would send, not signed yet."""

import os
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from hookagent.errors import ConfigError, Problem, UsageError
from hookagent.event import Headers, RawRequest
from hookagent.located import Table, parse
from hookagent.pipeline.chaos import Kind, damaged
from hookagent.pipeline.replay import edited, parse_remove, parse_set
from hookagent.providers.scheme import Scheme, read_scheme

if TYPE_CHECKING:
    from hookagent.providers.sample import Sample

DAMAGES = ("unsigned", "tampered", "truncated", "stale", "wrong-secret")
"""What an application must not believe."""
STALE_MS = 3_600_000
BASE_URL = "http://testserver"
"""What is signed where a scheme signs the address and no other is given."""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a provider, to be signed when it is sent."""

    scheme: Scheme
    request: RawRequest
    settings: Mapping[str, str] = {}
    """The scheme's settings by name."""

    def signed(
        self,
        secret: str,
        *,
        now: int | None = None,
        damage: str = "",
        message_id: str = "",
    ) -> RawRequest:
        """Return the request signed; `now` is Unix milliseconds, `damage` one of `DAMAGES`.

        Raises UsageError and ConfigError for what cannot be signed.
        """
        from hookagent.providers.sign import sign

        if damage and damage not in DAMAGES:
            raise UsageError(f"unknown damage `{damage}`", hint="one of: " + ", ".join(DAMAGES))
        if damage == "unsigned":
            return self.request
        at = time.time_ns() // 1_000_000 if now is None else now
        made = sign(
            self.scheme,
            self.request,
            self._wrong(secret) if damage == "wrong-secret" else secret,
            now=at - STALE_MS if damage == "stale" else at,
            message_id=message_id,
            settings=dict(self.settings),
            base_url=self.request.base_url,
        )
        return damaged(made, Kind(damage)) if damage in {"tampered", "truncated"} else made

    def _wrong(self, secret: str) -> str:
        """Return a secret of the same form that is not the one."""
        if self.scheme.key_family is not None:
            from hookagent.providers.privatekeys import make_pair

            return make_pair(self.scheme.key_family)[0]
        head, tail = secret[:-8], secret[-8:]
        return head + "".join("b" if letter != "b" else "c" for letter in tail)


def make_webhook(  # noqa: PLR0913 - the parts of a request, each by name
    scheme: str | Mapping[str, Any],
    event: str = "",
    *,
    body: bytes | str | None = None,
    json: Any = None,
    changes: Mapping[str, Any] | None = None,
    without: Iterable[str] = (),
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    method: str = "POST",
    path: str = "/",
    base_url: str = BASE_URL,
    settings: Mapping[str, str] | None = None,
) -> Webhook:
    """Make a webhook: a built-in payload of an event type, or a body or JSON of one's own.

    `scheme` is a name of the catalogue or a table as in `hookagent.toml`. `changes` sets values of
    the payload by path, `without` takes fields out. `settings` are what the scheme asks for, such
    as the header of `token`. Raises HookagentError for what there is not.
    """
    found = scheme_of(scheme, settings or {})
    fields, content = [("Content-Type", "application/json")], b"{}"
    query = ""
    if event:
        sample = _sample(found.name, event)
        fields = [("Content-Type", sample.content_type), *sample.headers]
        content, query = sample.body, sample.query
    if json is not None:
        content = msgspec.json.encode(json)
    elif body is not None:
        content = body.encode() if isinstance(body, str) else body
    request = RawRequest(
        method=method,
        target=path + (("&" if "?" in path else "?") + query if query else ""),
        base_url=base_url,
        headers=Headers.of(fields).with_fields(headers),
        body=content,
    )
    edits = [parse_set(f"{where}={_written(value)}") for where, value in (changes or {}).items()]
    edits += [parse_remove(where) for where in without]
    return Webhook(scheme=found, request=edited(request, edits), settings=dict(settings or {}))


def _written(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def scheme_of(scheme: str | Mapping[str, Any], settings: Mapping[str, str]) -> Scheme:
    """Return a scheme by its catalogue name, or read from a table. Raises HookagentError."""
    if isinstance(scheme, str):
        from hookagent.providers import catalog

        provider = catalog.provider_of(scheme)
        asked = {key: settings[key] for key in provider.asks if key in settings}
        return provider.scheme_with(asked, scheme) if provider.asks else catalog.scheme(scheme)
    import tomli_w

    problems: list[Problem] = []
    table = Table.root(parse(tomli_w.dumps(dict(scheme)), "the scheme"), problems)
    found = read_scheme(table, "inline")
    if found is None:
        raise ConfigError(problems)
    return found


def _sample(scheme: str, event: str) -> "Sample":
    from hookagent.providers import sample

    return sample.fill(
        sample.load(scheme.partition("/")[0], event),
        now=time.time_ns() // 1_000_000,
        entropy=int.from_bytes(os.urandom(8)),
    )
