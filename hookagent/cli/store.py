"""`hookagent store`: carry a whole store into another one, or compare two."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from hookagent.cli import output, settings
from hookagent.cli.main import APP
from hookagent.cli.options import ConfigOption, JsonOption
from hookagent.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hookagent.store.copying import CopyReport, Difference
    from hookagent.store.moving import Movable, Part

HASH_SHOWN = 16
"""Characters of a hash that a person is shown."""

app = typer.Typer(**APP, help="Copy a whole store into another one, or compare two.")

FromArgument = Annotated[
    str, typer.Argument(metavar="FROM", help="A store's URL; `${NAME}` is taken from .env.")
]
ToArgument = Annotated[str, typer.Argument(metavar="TO", help="The other store's URL.")]


@app.command("copy")
def copy(
    source: FromArgument,
    target: ToArgument,
    config: ConfigOption = None,
    *,
    ahead: Annotated[
        bool,
        typer.Option("--ahead", help="Only what can be copied while FROM is in use; then stop."),
    ] = False,
    json: JsonOption = False,
) -> ExitCode:
    """Copy every event, run and state into an empty store; an interrupted copy goes on.

    The last pass needs FROM to stand still: stop `hookagent serve` first. With --ahead most of the
    work is done before that, while it runs.

    Example: hookagent store copy sqlite:///.hookagent/hookagent.db '${DATABASE_URL}' --ahead
    """
    stores = _stores(config, source, target)
    try:
        return asyncio.run(_copy(*stores, ahead=ahead, as_json=json))
    except KeyboardInterrupt:
        output.talk("interrupted: the same command goes on where it stopped")
        return ExitCode.INTERRUPTED


@app.command("compare")
def compare(
    source: Annotated[str, typer.Argument(metavar="ONE", help="A store's URL.")],
    target: Annotated[str, typer.Argument(metavar="OTHER", help="The other store's URL.")],
    config: ConfigOption = None,
    *,
    json: JsonOption = False,
) -> ExitCode:
    """Read two stores whole; exit code 1 where they differ. Both should stand still.

    Example: hookagent store compare sqlite:///a.db sqlite:///b.db
    """
    return asyncio.run(_compare(*_stores(config, source, target), as_json=json))


def _stores(config: Path | None, *urls: str) -> "tuple[Movable, Movable]":
    from hookagent.store.registry import open_movable

    one, other = (
        open_movable(loaded.store.url, loaded.state_folder)
        for loaded in (settings.load_config(config, store=url, say_warnings=False) for url in urls)
    )
    if one.label == other.label:
        raise UsageError("both are the same store")
    return one, other


async def _copy(source: "Movable", target: "Movable", *, ahead: bool, as_json: bool) -> ExitCode:
    from hookagent.store import copying

    began = time.monotonic()
    async with _opened(source, target):
        with _Telling() as telling:
            report = await copying.copy(source, target, ahead=ahead, said=telling.said)
    seconds = time.monotonic() - began
    if as_json:
        output.json_line(_document(report, seconds))
    else:
        _say(report, seconds)
    return ExitCode.DONE


@asynccontextmanager
async def _opened(source: "Movable", target: "Movable") -> AsyncIterator[None]:
    await source.open_source()
    try:
        await target.open_target()
        try:
            yield
        finally:
            await target.close()
    finally:
        await source.close()


class _Telling:
    """A line of progress for each part."""

    def __init__(self) -> None:
        self._part = ""
        self._progress: output.Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def said(self, part: "Part", rows: int, total: int) -> None:
        """Count on."""
        if part != self._part:
            self._clear()
            self._part = part
            self._progress = output.Progress(_words(part), total)
        if self._progress is not None:
            self._progress.step(rows)

    def _clear(self) -> None:
        if self._progress is not None:
            self._progress.clear()


def _words(part: str) -> str:
    return part.replace("_", " ")


def _document(report: "CopyReport", seconds: float) -> dict[str, Any]:
    return {
        "state": "done" if report.is_done else "ahead",
        "carried": report.carried,
        "bytes": report.bytes,
        "resumed_at": report.resumed_at,
        "keys": report.keys,
        "seconds": round(seconds, 3),
        "parts": {
            part: {"rows": found.rows, "hash": found.hash} for part, found in report.parts.items()
        },
    }


def _say(report: "CopyReport", seconds: float) -> None:
    rows = [
        (_words(part), str(found.rows), found.hash[:HASH_SHOWN])
        for part, found in report.parts.items()
    ]
    output.table(("what", "rows", "hash"), rows)
    carried = f"{report.carried} events and runs copied in {seconds:.0f} s"
    if report.resumed_at:
        carried += f", {report.resumed_at} were there before"
    output.talk(carried)
    if report.is_done:
        output.talk(f"the same in both stores; {report.keys} events are found by their key")
        output.talk("to use it: set `url` under [store], and the same for every node")
    else:
        output.talk("the rest: stop `hookagent serve`, then the same command without --ahead")


async def _compare(one: "Movable", other: "Movable", *, as_json: bool) -> ExitCode:
    from hookagent.store import copying

    await one.open_source()
    try:
        await other.open_source()
        try:
            with _Telling() as telling:
                found = await copying.compare(one, other, said=telling.said)
        finally:
            await other.close()
    finally:
        await one.close()
    _say_differences(found, as_json=as_json)
    return ExitCode.NO if found else ExitCode.DONE


def _say_differences(found: "list[Difference]", *, as_json: bool) -> None:
    if as_json:
        parts = [
            {"part": one.part, "rows": list(one.rows), "hashes": list(one.hashes)} for one in found
        ]
        output.json_line({"same": not found, "different": parts})
        return
    for one in found:
        output.data(f"{_words(one.part)}: {one.rows[0]} rows and {one.rows[1]}, not the same")
    if not found:
        output.data("the same")
