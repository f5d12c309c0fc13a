"""`hookagent serve`: the listener, the worker, the inspector, and the tunnel if asked."""

from typing import TYPE_CHECKING, Annotated

import typer

from hookagent.cli import output, settings
from hookagent.cli.options import ConfigOption, JsonOption, StoreOption
from hookagent.cli.running import chosen_mode, run_agent
from hookagent.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hookagent.pipeline.nodes import Role


def serve(
    config: ConfigOption = None,
    store: StoreOption = None,
    *,
    host: Annotated[str | None, typer.Option(metavar="HOST", help="Address to listen on.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, metavar="PORT", help="Port to listen on; 0 for a free one."),
    ] = None,
    inspector_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, metavar="PORT", help="The inspector's port; 0 for a free one."
        ),
    ] = None,
    inspector: Annotated[
        bool, typer.Option("--inspector/--no-inspector", help="Serve the inspector.")
    ] = True,
    tunnel: Annotated[
        str | None, typer.Option(metavar="NAME", help="Open a tunnel: ngrok, cloudflared, ssh, …")
    ] = None,
    insecure: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE", help="Let this unverified source through a tunnel."),
    ] = None,
    role: Annotated[
        str,
        typer.Option(metavar="ROLE", help="all, or receive: accept and store, act on nothing."),
    ] = "all",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Match and record, but act on nothing.")
    ] = False,
    forward: Annotated[
        str | None,
        typer.Option(
            metavar="PORT|URL", help="Pass everything on instead, as `hookagent forward` does."
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option("--output", metavar="MODE", help="interactive, compact, quiet or json."),
    ] = None,
    json: JsonOption = False,
) -> ExitCode:
    """Listen for webhooks and run their rules until Ctrl-C.

    Example: hookagent serve --port 8787 --tunnel ngrok

    Example: hookagent serve --forward 3000
    """
    wanted = chosen_mode(mode, as_json=json)
    flags = {
        "server.host": host,
        "server.port": port,
        "inspector.port": inspector_port,
        "tunnel.provider": tunnel,
    }
    if forward is not None:
        from hookagent.cli.forward import pass_on, read_target

        if dry_run or insecure or role != "all":
            raise UsageError("--forward verifies nothing and runs no rule: it goes alone")
        target = read_target(forward)
        loaded = settings.load_config(config, store=store, flags=flags, say_warnings=False)
        return pass_on(loaded, target, inspector=inspector, mode=mode, as_json=json)
    loaded = settings.load_config(config, store=store, flags=flags, insecure=insecure or ())
    if not loaded.sources:
        output.warn("every delivery gets 404", hint=settings.NO_SOURCE)
    from hookagent.runtime import Choices

    choices = Choices(role=read_role(role), dry_run=dry_run, with_inspector=inspector)
    return run_agent(loaded, choices, wanted)


def read_role(text: str) -> "Role":
    """Read `--role`. Raises UsageError."""
    from hookagent.pipeline.nodes import Role

    if text not in {Role.ALL, Role.RECEIVE}:
        hint = "`hookagent work` is the other half" if text == Role.WORK else "all or receive"
        raise UsageError(f"`serve` has no role `{text}`", hint=hint)
    return Role(text)
