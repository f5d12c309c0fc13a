"""`hookagent tunnel`: which tunnels could be started here, and how to get the others."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hookagent.cli import output
from hookagent.cli.main import APP
from hookagent.cli.options import ConfigOption, JsonOption
from hookagent.cli.output import Ink
from hookagent.errors import ExitCode

if TYPE_CHECKING:
    from hookagent.tunnel.base import Readiness, TunnelOptions

app = typer.Typer(**APP, help="Tunnels: how the outside reaches this machine.")


@app.callback()
def _group() -> None:
    """Tunnels: how the outside reaches this machine."""


def complete_tunnel(incomplete: str) -> list[str]:
    """Offer the names of the tunnels."""
    from hookagent.tunnel.registry import TUNNELS

    return sorted(name for name in TUNNELS if name.startswith(incomplete))


@app.command()
def check(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="Only this one; without it every one.",
            autocompletion=complete_tunnel,
            show_default=False,
        ),
    ] = None,
    *,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> ExitCode:
    """Say which tunnels could be started here, without starting or fetching anything.

    Exits with 1 where the one asked for, or every one, cannot be started.

    Example: hookagent tunnel check ngrok
    """
    from hookagent.cli.settings import load_config
    from hookagent.pipeline.public import tunnel_options
    from hookagent.tunnel.registry import TUNNELS

    options = tunnel_options(load_config(config))
    names = [name] if name else [known for known in TUNNELS if known != "auto"]
    found = asyncio.run(_examine(names, options))
    for one, readiness in found.items():
        if json:
            output.json_line(as_json(one, readiness))
        else:
            _show(one, readiness)
    return ExitCode.DONE if any(one.ready for one in found.values()) else ExitCode.NO


async def _examine(names: list[str], options: "TunnelOptions") -> "dict[str, Readiness]":
    """Check tunnels at once; what is configured counts for the provider it is configured for."""
    from hookagent.tunnel.auto import only_for
    from hookagent.tunnel.registry import make

    if options.provider == "none":
        options = replace(options, provider="auto")
    tunnels = {name: make(name, only_for(name, options)) for name in names}
    found = await asyncio.gather(*(tunnel.check() for tunnel in tunnels.values()))
    return dict(zip(tunnels, found, strict=True))


def as_json(name: str, readiness: "Readiness") -> dict[str, Any]:
    """Return what a script is told about one tunnel."""
    return {
        "name": name,
        "ready": readiness.ready,
        "code": readiness.code,
        "detail": readiness.detail,
        "hint": readiness.hint,
    }


def _show(name: str, readiness: "Readiness") -> None:
    tick = Ink(output.mark(good=readiness.ready), "green" if readiness.ready else "dim")
    output.data(tick, f" {name:<12} {readiness.detail}")
    if readiness.hint and not readiness.ready:
        output.data(Ink(f"  {'':<12} {readiness.hint}", "dim"))
