"""`hookagent work`: rules and actions without a listener, beside other nodes on a shared store."""

from typing import Annotated

import typer

from hookagent.cli import settings
from hookagent.cli.options import ConfigOption, JsonOption, StoreOption
from hookagent.cli.running import chosen_mode, run_agent
from hookagent.errors import ExitCode


def work(
    config: ConfigOption = None,
    store: StoreOption = None,
    *,
    inspector: Annotated[
        bool, typer.Option("--inspector/--no-inspector", help="Serve the inspector here too.")
    ] = False,
    inspector_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, metavar="PORT", help="The inspector's port; 0 for a free one."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Match and record, but act on nothing.")
    ] = False,
    mode: Annotated[
        str | None,
        typer.Option("--output", metavar="MODE", help="interactive, compact, quiet or json."),
    ] = None,
    json: JsonOption = False,
) -> ExitCode:
    """Work off what other nodes receive, until Ctrl-C; needs a store on PostgreSQL.

    Example: hookagent work --store postgresql://hookagent@db.internal/hookagent
    """
    wanted = chosen_mode(mode, as_json=json)
    flags = {"inspector.port": inspector_port}
    loaded = settings.load_config(config, store=store, flags=flags)
    from hookagent.pipeline.nodes import Role
    from hookagent.runtime import Choices

    choices = Choices(role=Role.WORK, dry_run=dry_run, with_inspector=inspector)
    return run_agent(loaded, choices, wanted)
