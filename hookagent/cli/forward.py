"""`hookagent forward`: pass every webhook on to a local application; no file, no account, no rules.

    hookagent forward 3000 --tunnel cloudflared

What comes is stored first, passed on with its very bytes, and the application's answer goes back to
the sender. `inspect`, `diff` and `replay` work on all of it at once.
"""

import dataclasses
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from hookagent.cli import output, settings
from hookagent.cli.options import ConfigOption, JsonOption, StoreOption
from hookagent.cli.running import chosen_mode, run_agent
from hookagent.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.pipeline.passing import Target

LIMIT_MAX_MS = 30_000
PORT_MAX = 65_535


def forward(
    target: Annotated[
        str, typer.Argument(metavar="PORT|URL", help="Where the application listens.")
    ],
    config: ConfigOption = None,
    store: StoreOption = None,
    *,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=PORT_MAX, metavar="PORT", help="Port to listen on; 0 for a free one."
        ),
    ] = None,
    host: Annotated[str | None, typer.Option(metavar="HOST", help="Address to listen on.")] = None,
    inspector_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=PORT_MAX, metavar="PORT", help="The inspector's port; 0 for a free one."
        ),
    ] = None,
    inspector: Annotated[
        bool, typer.Option("--inspector/--no-inspector", help="Serve the inspector.")
    ] = True,
    tunnel: Annotated[
        str | None, typer.Option(metavar="NAME", help="Open a tunnel: ngrok, cloudflared, ssh, …")
    ] = None,
    timeout: Annotated[
        str, typer.Option(metavar="SPAN", help="How long the application may take, 30s at most.")
    ] = "25s",
    mode: Annotated[
        str | None,
        typer.Option("--output", metavar="MODE", help="interactive, compact, quiet or json."),
    ] = None,
    json: JsonOption = False,
) -> ExitCode:
    """Store every request, pass it on unchanged, and answer as the application does.

    Nothing is verified and no rule is run: what was stored is marked so. `serve` verifies.

    Example: hookagent forward 3000

    Example: hookagent forward http://127.0.0.1:3000/webhooks --tunnel ngrok
    """
    flags = {
        "server.host": host,
        "server.port": port,
        "inspector.port": inspector_port,
        "tunnel.provider": tunnel,
    }
    loaded = settings.load_config(config, store=store, flags=flags, say_warnings=False)
    passed = read_target(target, timeout)
    return pass_on(loaded, passed, inspector=inspector, mode=mode, as_json=json)


def pass_on(
    config: "Config", target: "Target", *, inspector: bool, mode: str | None, as_json: bool
) -> ExitCode:
    """Pass everything on until Ctrl-C; what `serve --forward` does, too."""
    from hookagent.runtime import Choices

    wanted = chosen_mode(mode, as_json=as_json)
    if _is_ours(target.url, config.server.port):
        raise UsageError(
            f"{target.url} is where `forward` itself listens", hint="choose another with --port"
        )
    if config.sources and wanted != "json":
        output.talk("the configured sources and rules are not used: `hookagent serve` uses them")
    bare = dataclasses.replace(config, sources={}, rules=())
    if wanted in {"interactive", "compact"}:
        output.talk(f"passing everything on to {target.url}; nothing is verified")
    return run_agent(bare, Choices(with_inspector=inspector, forward=target), wanted)


def read_target(text: str, timeout: str = "25s") -> "Target":
    """Read a port or URL, and the time limit. Raises UsageError."""
    from hookagent.located import parse_duration
    from hookagent.pipeline.passing import Target

    limit = parse_duration(timeout)
    if not limit or limit > LIMIT_MAX_MS:
        raise UsageError(f"`--timeout {timeout}` is not a duration up to 30s", hint="such as 10s")
    url = f"http://127.0.0.1:{text}" if text.isascii() and text.isdigit() else text
    if not _is_address(url):
        raise UsageError(
            f"`{text}` is neither a port nor a URL", hint="such as 3000 or http://127.0.0.1:3000"
        )
    return Target(url=url, limit_ms=limit)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_good and not parts.query and not parts.fragment


def _is_ours(url: str, port: int) -> bool:
    """Whether a target is the port that is to be listened on."""
    parts = urlsplit(url)
    return parts.port == port and parts.hostname in {"127.0.0.1", "localhost", "::1"}
