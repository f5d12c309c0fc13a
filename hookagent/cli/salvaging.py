"""`hookagent doctor --salvage`: save what can be read of a damaged store."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from hookagent.cli import output
from hookagent.errors import ExitCode, OutsideError, UsageError
from hookagent.pipeline.presence import running

if TYPE_CHECKING:
    from hookagent.config.model import Config


def salvage_store(config: "Config", to: Path | None) -> ExitCode:
    """Write every readable event into a new store beside the damaged one, and say what to do next.

    Raises UsageError for a store that is not a file, OutsideError while an agent uses it or when
    nothing can be read.
    """
    from hookagent.store.sqlite import salvage

    path = database(config)
    agent = running(config.state_folder)
    if agent is not None:
        raise OutsideError(
            f"the agent with process id {agent.pid} uses the store", hint="stop it first"
        )
    target = to or path.with_name(path.name + ".salvaged")
    report = salvage(path, target)
    output.data(f"saved {report.events} events and {report.runs} runs to {target}")
    if report.unreadable:
        output.data(f"{report.unreadable} entries could not be read")
    if report.unrouted:
        output.data(f"{report.unrouted} events will have their rules matched at the next start")
    output.talk(f"to use it: mv {path} {path}.damaged && mv {target} {path}")
    return ExitCode.DONE


def database(config: "Config") -> Path:
    """Return the file of a SQLite store. Raises UsageError for another kind of store."""
    scheme, _, rest = config.store.url.partition("://")
    if scheme != "sqlite":
        raise UsageError(f"a store of kind `{scheme}` is not a file that could be salvaged")
    return config.state_folder / unquote(rest.removeprefix("/"))
