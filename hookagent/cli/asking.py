"""What `sign` asks on a terminal when it was told nothing, and offers while it is being typed."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import typer

from hookagent.cli import output, settings


class Asked(NamedTuple):
    """What the person wants signed."""

    scheme: str | None
    source: str | None
    event: str | None


def ask() -> Asked:
    """Ask for a source or scheme and an event. Raises NotFound for a name nobody knows."""
    from hookagent.providers import sample

    catalog = settings.load_catalog(None)
    sources = settings.source_names(Path.cwd(), os.environ)
    if sources:
        output.talk("Sources here: ", ", ".join(sources))
    output.talk("Schemes: ", ", ".join(catalog.names()))
    name = str(typer.prompt("source or scheme", default=next(iter(sources), "github"), err=True))
    is_source = name in sources
    provider = provider_of(name) if is_source else catalog.provider_of(name).name
    types = sample.event_types(provider)
    event = None
    if types:
        output.talk("Events: ", ", ".join(types))
        event = str(typer.prompt("event", default=types[0], err=True))
    return Asked(None if is_source else name, name if is_source else None, event)


def ask_secret(scheme: str) -> str:
    """Ask for a secret without showing it."""
    return str(typer.prompt(f"secret of `{scheme}`", hide_input=True, err=True))


def provider_of(source: str) -> str:
    """Return the catalogue's name behind a source, without judging the file; empty for none."""
    import tomllib

    from hookagent.config.find import find_file

    file = find_file(Path.cwd())
    try:
        found = tomllib.loads(file.read_text("utf-8"))["sources"][source]["scheme"] if file else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return found.partition("/")[0] if isinstance(found, str) else ""


def complete_event(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the event types there are samples of, for the scheme or source typed so far."""
    from hookagent.providers import sample

    scheme, source = ctx.params.get("scheme"), ctx.params.get("source")
    provider = (scheme or "").partition("/")[0] or (provider_of(source) if source else "")
    names: Sequence[str] = [provider] if provider else sample.providers()
    found = {kind for name in names for kind in sample.event_types(name)}
    return sorted(kind for kind in found if kind.startswith(incomplete))
