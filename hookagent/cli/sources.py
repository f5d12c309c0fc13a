"""`hookagent sources`: the configured sources, and arming one to take a key."""

from typing import Annotated

import typer

from hookagent.cli import output, settings
from hookagent.cli.main import APP
from hookagent.cli.options import ConfigOption, JsonOption, complete_source

app = typer.Typer(**APP, help="List sources, or arm one to take a key from its provider.")

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A source.", autocompletion=complete_source)
]


@app.command("list")
def list_(config: ConfigOption = None, *, json: JsonOption = False) -> None:
    """List sources with their path, scheme and URL.

    Example: hookagent sources list
    """
    loaded = settings.load_config(config)
    base = loaded.server.public_url or f"http://{loaded.server.host}:{loaded.server.port}"
    rows = []
    for source in loaded.sources.values():
        url = base + source.path
        rows.append((source.name, source.scheme.name, str(source.scheme.integrity), url))
        if json:
            output.json_line(
                {
                    "source": source.name,
                    "scheme": source.scheme.name,
                    "integrity": str(source.scheme.integrity),
                    "url": url,
                }
            )
    if not rows:
        output.talk(settings.NO_SOURCE)
    elif not json:
        output.table(("source", "scheme", "integrity", "url"), rows)


@app.command("arm")
def arm(name: NameArgument, config: ConfigOption = None) -> None:
    """Let a source take a key its provider hands over, or confirm a topic, for ten minutes.

    Example: hookagent sources arm asana
    """
    from hookagent.pipeline import handshakes

    loaded = settings.load_config(config)
    source = loaded.source(name)
    handshakes.arm(loaded.state_folder, source.name)
    output.data(f"{name} is armed for {handshakes.ARMED_S // 60} minutes: create the webhook now")


@app.command("secret")
def secret(
    name: NameArgument,
    config: ConfigOption = None,
    *,
    show: Annotated[
        bool, typer.Option("--show", help="Print it: it goes to the provider.")
    ] = False,
) -> None:
    """Say where a source's secret is, or print it for the provider's settings page.

    Example: hookagent sources secret support --show
    """
    loaded = settings.load_config(config)
    source = loaded.source(name)
    if not show:
        kept = loaded.state_folder / "secrets" / name
        where = str(kept) if kept.exists() else "the configuration"
        output.data(f"{name}: {len(source.secrets)} secrets, from {where}; --show prints the first")
        return
    output.data(source.secrets[0] if source.secrets else "")
