"""Who signs what is sent again: a source, or a scheme and a secret from the command line.

What `forward` stored has no source, only a provider that it was recognised by. A configured source
of that provider signs it; else `--scheme` and `--secret` do; else it goes out as it came, and that
is said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hookagent.cli import output
from hookagent.errors import UsageError
from hookagent.eventfile import Captured

if TYPE_CHECKING:
    from hookagent.config.model import Source
    from hookagent.providers.catalog import Catalog
    from hookagent.providers.provider import Provider


@dataclass(kw_only=True)
class Signers:
    """Finds, for each capture, the source that it is signed for."""

    sources: "Mapping[str, Source]"
    catalog: "Catalog"
    asked: str = ""
    """The name of a source that is to sign everything."""
    scheme: str = ""
    secret: str = field(default="", repr=False)
    _said: set[str] = field(default_factory=set)

    def find(self, captured: Captured, *, is_free: bool) -> "Source | None":
        """Return the source; None where nobody knows it, which `is_free` allows.

        Raises UsageError and NotFound.
        """
        from hookagent.cli.crafting import source_of
        from hookagent.pipeline.replay import signer

        if self.scheme or self.secret:
            return self._made(captured)
        if not self.asked:
            found = signer(captured.source, self.sources)
            if found is not None or is_free:
                return found
        return source_of(captured.source, self.sources, asked=self.asked or None)

    def _made(self, captured: Captured) -> "Source":
        """Return a source of the scheme asked for, or of what the request looks like."""
        from hookagent.config.model import Source

        name = self.scheme
        if not name:
            provider = self._provider(captured)
            if provider is None:
                raise UsageError(
                    f"by which scheme is {_name(captured)} signed?",
                    hint="add --scheme NAME; hookagent schemes lists them",
                )
            name = provider.name
        return Source(
            name=captured.source or name,
            path=captured.request.path,
            scheme=self.catalog.scheme(name),
            secrets=(self.secret,) if self.secret else (),
            provider=name,
        )

    def _provider(self, captured: Captured) -> "Provider | None":
        from hookagent.providers.detect import recognized

        if captured.source in self.catalog.names():
            return self.catalog.load(captured.source)
        return recognized(captured.request)

    def warn(self, captured: Captured, *, is_edited: bool) -> None:
        """Say once of each provider that its old signature is sent, or that there is none."""
        provider = self._provider(captured)
        known = provider.name if provider else ""
        if known in self._said or not (known or is_edited):
            return
        self._said.add(known)
        why = "the payload was edited, and " if is_edited else ""
        output.warn(
            f"{why}no source is known that signs {_name(captured)}, so it is not signed anew",
            hint=f"--scheme {known or 'NAME'} --secret '${{SECRET}}' signs it; "
            "--as-is says that this is meant",
        )


def _name(captured: Captured) -> str:
    return captured.id or captured.source or "this"
