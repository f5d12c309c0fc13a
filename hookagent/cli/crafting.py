"""What `sign` and `verify` share: the scheme, its secrets and settings, from a name or a source."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hookagent.cli import settings
from hookagent.errors import NotFound, UsageError

if TYPE_CHECKING:
    from hookagent.config.model import Source
    from hookagent.event import RawRequest
    from hookagent.providers.diagnose import Other
    from hookagent.providers.provider import Provider
    from hookagent.providers.scheme import Scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class Craft:
    """A scheme with everything it needs."""

    scheme: "Scheme"
    secrets: tuple[str, ...] = field(default=(), repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)
    base_url: str = ""
    path: str = "/"
    source: "Source | None" = None
    tolerance_ms: int | None = None
    body: str = "json"
    """How its bodies are read; one of `provider.BODIES`."""
    others: "tuple[Other, ...]" = ()
    """The other configured sources, for `verify` to try."""
    listener: str = "http://127.0.0.1:8787"
    """Where a request goes that says no host."""

    def url(self, request: "RawRequest") -> str:
        """Return where a request is to be sent: its own host, else the local listener.

        A configured public address is what gets signed, not where a test request goes.
        """
        if request.base_url and request.base_url != self.base_url:
            return request.url
        return self.listener + request.target


def read_secret(text: str) -> str:
    """Return a secret as given: itself, or what `@FILE` or `${NAME}` hold, hidden from `ps`."""
    if text.startswith("@"):
        try:
            return Path(text[1:]).read_text("utf-8").strip()
        except OSError as error:
            raise UsageError(f"cannot read the secret in `{text[1:]}`: {error.strerror}") from None
    if text.startswith("${") and text.endswith("}"):
        name = text[2:-1]
        if name not in os.environ:
            raise UsageError(f"the environment variable `{name}` is not set")
        return os.environ[name]
    return text


def craft(
    *,
    scheme: str | None,
    source: str | None,
    secrets: list[str],
    given: list[str],
    config: Path | None,
) -> Craft:
    """Find the scheme by its catalogue name, or take all of a configured source.

    `given` are `NAME=VALUE` settings. Raises UsageError, NotFound, ConfigError.
    """
    if (scheme is None) == (source is None):
        raise UsageError(
            "give either `--scheme NAME` or `--source NAME`",
            hint="hookagent schemes lists the schemes",
        )
    values = dict(_setting(text) for text in given)
    if source is not None:
        from hookagent.pipeline.presence import listener_url
        from hookagent.providers.diagnose import Other

        loaded = settings.load_config(config)
        found = loaded.source(source)
        return Craft(
            scheme=found.scheme,
            secrets=tuple(secrets) or found.secrets,
            settings=dict(found.settings) | values,
            base_url=found.base_url or "",
            path=found.path,
            source=found,
            tolerance_ms=found.tolerance_ms,
            body=found.body,
            listener=listener_url(loaded.state_folder, loaded.server.host, loaded.server.port),
            others=tuple(
                Other(scheme=one.scheme, secrets=one.secrets, source=one.name)
                for one in loaded.sources.values()
                if one is not found
            ),
        )
    assert scheme is not None
    provider = settings.load_catalog(config).provider_of(scheme)
    return Craft(
        scheme=_completed(provider, scheme, values),
        secrets=tuple(secrets),
        settings=values,
        body=provider.variants[scheme].body,
    )


def _completed(provider: "Provider", name: str, values: dict[str, str]) -> "Scheme":
    """Return a scheme of the catalogue, completed by the parameters it asks for."""
    asked = {key: values[key] for key in provider.asks if key in values}
    return provider.scheme_with(asked, name)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"`--setting {text}` lacks a value", hint="write --setting NAME=VALUE")
    return name.strip(), value


def source_of(name: str, sources: "Mapping[str, Source]", *, asked: str | None) -> "Source":
    """Return the source of a capture: the one asked for, its own, or the only one there is."""
    wanted = asked or name
    if wanted:
        found = sources.get(wanted)
        if found is None:
            raise NotFound.among("source", wanted, sources)
        return found
    if len(sources) == 1:
        return next(iter(sources.values()))
    raise UsageError(
        "which source is this payload for?",
        hint="add --source, one of: " + ", ".join(f"`{one}`" for one in sources),
    )
