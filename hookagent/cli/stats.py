"""`hookagent stats`: how much came, what became of it, and when each source was last heard of."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hookagent.cli import output, settings
from hookagent.cli.clock import clock
from hookagent.cli.options import ConfigOption, JsonOption, StoreOption
from hookagent.errors import ExitCode

if TYPE_CHECKING:
    from hookagent.config.model import Config


def stats(
    config: ConfigOption = None,
    store: StoreOption = None,
    *,
    since: Annotated[str, typer.Option(metavar="TIME", help="24h, 7d or a date.")] = "24h",
    json: JsonOption = False,
) -> ExitCode:
    """Show rates, failures, queue and last events per source.

    Example: hookagent stats --since 7d
    """
    from hookagent.cli.selecting import read_moment

    loaded = settings.load_config(config, store=store)
    now = clock()
    moment = read_moment(since, now=now, option="--since")
    return asyncio.run(_stats(loaded, moment, since, now, as_json=json))


async def _stats(config: "Config", moment: int, since: str, now: int, *, as_json: bool) -> ExitCode:
    from hookagent.cli.live import duration
    from hookagent.cli.storing import opened
    from hookagent.pipeline.presence import running
    from hookagent.pipeline.targets import told

    async with opened(config) as store:
        found = await store.stats(since=moment)
    known = {one.source: one for one in found.sources}
    rows = []
    for name in dict.fromkeys([*config.sources, *known]):
        one = known.get(name)
        heard = one.last_received_at if one else 0
        last = f"{duration(max(now - heard, 0))} ago" if heard else "never"
        counts = (one.events, one.duplicates, one.rejected) if one else (0, 0, 0)
        rows.append((name, *map(str, counts), last))
    targets = told(config.state_folder) if running(config.state_folder) else []
    if as_json:
        import msgspec

        shown: dict[str, Any] = msgspec.to_builtins(found)
        output.json_line(shown | {"since": moment, "targets": msgspec.to_builtins(targets)})
        return ExitCode.DONE
    output.table(("source", f"events ({since})", "duplicates", "refused", "last"), rows)
    runs = ", ".join(f"{count} {state}" for state, count in sorted(found.runs.items()))
    output.data(f"runs     {runs or 'none'}")
    since_then = duration(max(now - found.oldest_unrouted_at, 0))
    waiting = f", the oldest for {since_then}" if found.unrouted else ""
    output.data(f"queue    {found.unrouted} events not yet routed{waiting}")
    for target in targets:
        again = f", tried again in {duration(target.until - now)}" if target.until > now else ""
        output.data(
            f"target   {target.target} {target.state}, {target.failures} failures in a row{again}"
        )
    output.data(f"store    {found.events} events, {found.size_bytes / 1024**2:.1f} MiB")
    return ExitCode.DONE
