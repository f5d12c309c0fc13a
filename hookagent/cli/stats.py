"""`hookagent stats`: how much came, how fast, what failed and why, over any stretch of time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec.structs import replace

from hookagent.cli import output, settings
from hookagent.cli.clock import clock
from hookagent.cli.options import ConfigOption, JsonOption, SourceOption, StoreOption
from hookagent.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hookagent.cli.stats_text import Shown
    from hookagent.config.model import Config
    from hookagent.store.base import Minute, SourceStats, Store, StoreStats

WATCH_S = 2.0
"""How often `--watch` looks again."""
PIPE_BARS = 60
"""Bars where there is no terminal to fill."""


def stats(
    config: ConfigOption = None,
    store: StoreOption = None,
    *,
    source: SourceOption = None,
    since: Annotated[str, typer.Option(metavar="TIME", help="24h, 7d or a date.")] = "24h",
    until: Annotated[str, typer.Option(metavar="TIME", help="1h ago or a date; now.")] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Look again every two seconds.")] = False,
    json: JsonOption = False,
) -> ExitCode:
    """Show rates, latencies, failures and their causes, queue and last events.

    Example: hookagent stats --since 7d
    """
    loaded = settings.load_config(config, store=store)
    if source is not None:
        loaded.source(source)
    asked = _Asked(since, until, source or "")
    asked.moments(clock())  # a mistake is told before the store is opened
    return asyncio.run(_stats(loaded, asked, watch=watch, as_json=json))


class _Asked:
    """Which stretch of time, as it was typed: `24h` moves on while we watch."""

    def __init__(self, since: str, until: str, source: str) -> None:
        self.since = since
        self.until = until
        self.source = source

    def moments(self, now: int) -> tuple[int, int]:
        """Return the beginning and the end in Unix milliseconds. Raises UsageError."""
        from hookagent.cli.selecting import read_moment

        begin = read_moment(self.since, now=now, option="--since")
        end = read_moment(self.until, now=now, option="--until") or now
        if end <= begin:
            raise UsageError("--until is not after --since", hint="such as --since 2h --until 1h")
        return begin, end


async def _stats(config: "Config", asked: _Asked, *, watch: bool, as_json: bool) -> ExitCode:
    from hookagent.cli import stats_text
    from hookagent.cli.storing import opened

    async with opened(config) as store:

        async def show() -> None:
            shown = await _look(config, store, asked, clock())
            if watch and not as_json:
                output.clear()
            if as_json:
                output.json_line(_document(shown))
            else:
                stats_text.write(shown)
                output.flush()

        await _repeat(show, every_s=WATCH_S if watch else None)
    return ExitCode.DONE


async def _repeat(show: Callable[[], Awaitable[None]], *, every_s: float | None) -> None:
    await show()
    while every_s is not None:
        await asyncio.sleep(every_s)
        await show()


async def _look(config: "Config", store: "Store", asked: _Asked, now: int) -> "Shown":
    from hookagent.cli.stats_text import Shown, bars
    from hookagent.pipeline.presence import running
    from hookagent.pipeline.statistics.report import report
    from hookagent.pipeline.targets import targets_of, told

    if store.is_shared:
        from hookagent.pipeline import breakers

        targets = targets_of(breakers.read(await store.kept(breakers.NAME)))
    else:
        targets = told(config.state_folder) if running(config.state_folder) else []
    since, until = asked.moments(now)
    stats = await store.stats(since=since)
    return Shown(
        now=now,
        words=asked.since,
        stats=stats,
        sources=await _sources(config, store, asked, now, stats),
        report=report(
            await store.stretches(since=since, until=until),
            since=since,
            until=until,
            bars=bars(output.width()) if output.is_terminal() else PIPE_BARS,
            source=asked.source,
        ),
        targets=targets,
    )


async def _sources(
    config: "Config", store: "Store", asked: _Asked, now: int, stats: "StoreStats"
) -> "list[SourceStats]":
    """Count by source as the store does with each commit: exact, whatever crashed."""
    from hookagent.store.base import SourceStats

    known = {one.source: one for one in stats.sources}
    if asked.until:
        since, until = asked.moments(now)
        minutes = [one for one in await store.activity(since=since) if one.at < until]
        known = {name: _within(one, minutes) for name, one in known.items()}
    names = [asked.source] if asked.source else list(dict.fromkeys([*config.sources, *known]))
    nothing = SourceStats(source="", events=0, duplicates=0, rejected=0, last_received_at=0)
    return [known.get(name) or replace(nothing, source=name) for name in names]


def _within(one: "SourceStats", minutes: "list[Minute]") -> "SourceStats":
    mine = [minute for minute in minutes if minute.source == one.source]
    return replace(
        one,
        events=sum(minute.events for minute in mine),
        duplicates=sum(minute.duplicates for minute in mine),
        rejected=sum(minute.rejected for minute in mine),
    )


def _document(shown: "Shown") -> dict[str, Any]:
    """Return everything as JSON has it; fields are only ever added."""
    import msgspec

    from hookagent.pipeline.statistics.report import document

    stats: dict[str, Any] = msgspec.to_builtins(shown.stats)
    return stats | {
        "since": shown.report.since,
        "until": shown.report.until,
        "sources": msgspec.to_builtins(shown.sources),
        "targets": msgspec.to_builtins(shown.targets),
        "history": document(shown.report),
    }
