"""`hookagent replay`: send captured or stored events again, freshly signed."""

import asyncio
import os
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from hookagent.cli import output, settings, targets
from hookagent.cli.clock import clock
from hookagent.cli.options import (
    ConfigOption,
    JsonOption,
    LimitOption,
    SourceOption,
    StoreOption,
)
from hookagent.errors import ExitCode, NotFound, UsageError

if TYPE_CHECKING:
    from hookagent.actions.sender import Reply, Sender
    from hookagent.config.model import Config
    from hookagent.event import RawRequest
    from hookagent.eventfile import Captured
    from hookagent.store.base import Store

MANY = 10
"""A selection of more is asked about first, on a terminal."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with each capture."""

    to: str
    """A URL, or empty for the local listener."""
    source: str
    edits: tuple[Any, ...]
    times: int
    rate: float
    as_is: bool
    json: bool


def replay(
    target: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGET…", help="Event files, payloads, HARs, stored ids, `-`."),
    ] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    source: SourceOption = None,
    *,
    type_: Annotated[
        str, typer.Option("--type", metavar="GLOB", help="Stored events of this type.")
    ] = "",
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Stored events since: 2h, 7d or a date.")
    ] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Stored events until then.")] = "",
    status: Annotated[
        str, typer.Option(metavar="STATE", help="Stored events with a run in this state.")
    ] = "",
    limit: LimitOption = None,
    to: Annotated[
        str | None, typer.Option(metavar="URL", help="Send there instead of the local listener.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change the payload.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="Take a field out of the payload.")
    ] = None,
    times: Annotated[int, typer.Option(min=1, help="Send each so often.")] = 1,
    rate: Annotated[
        float, typer.Option(min=0, metavar="N", help="At most N a second; 0 for no limit.")
    ] = 0,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Send the old signature, unchanged.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say which rules would fire; send nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before many.")] = False,
    json: JsonOption = False,
) -> ExitCode:
    """Send events again, re-signed with a fresh timestamp, to the listener or anywhere.

    Example: hookagent replay evt_018c…

    Example: hookagent replay event.json --to http://127.0.0.1:3000/webhook --set amount=5
    """
    from hookagent.pipeline.replay import parse_remove, parse_set

    loaded = settings.load_config(config, store=store)
    plan = Plan(
        to=to or "",
        source=source or "",
        edits=(*map(parse_set, set_ or ()), *map(parse_remove, remove or ())),
        times=times,
        rate=rate,
        as_is=as_is,
        json=json,
    )
    wanted = {"type": type_, "since": since, "until": until, "status": status, "limit": limit}
    return asyncio.run(_replay(loaded, target or [], plan, wanted, dry_run=dry_run, yes=yes))


async def _replay(
    config: "Config",
    names: list[str],
    plan: Plan,
    wanted: dict[str, Any],
    *,
    dry_run: bool,
    yes: bool,
) -> ExitCode:
    captures = await _captures(config, names, plan, wanted)
    if dry_run:
        return _dry_run(config, captures, plan)
    if len(captures) > MANY and not yes and output.can_ask():
        typer.confirm(f"Send {len(captures)} events again?", abort=True, err=True)
    from hookagent.actions.sender import Sender

    bad = 0
    async with Sender() as sender:
        with output.Progress("sent", len(captures) * plan.times) as progress:
            for number in range(plan.times):
                for captured in captures:
                    bad += await _send_one(config, captured, plan, sender, number)
                    progress.step()
                    if plan.rate:
                        await asyncio.sleep(1 / plan.rate)
    return ExitCode.NO if bad else ExitCode.DONE


async def _captures(
    config: "Config", names: list[str], plan: Plan, wanted: dict[str, Any]
) -> "list[Captured]":
    """Collect everything the command line points at."""
    if names and not any(targets.is_stored(name) for name in names):
        return [captured for name in names for captured in targets.read_file(name)]
    if not names and not (plan.source or any(wanted.values())):
        raise UsageError(
            "what is to be sent again?",
            hint="give a file, a stored id, `-`, or a selection such as --source NAME --since 1h",
        )
    from hookagent.cli.storing import opened

    async with opened(config) as store:
        if not names:
            return await _selected(store, plan, wanted)
        return [captured for name in names for captured in await targets.load(name, store)]


async def _selected(store: "Store", plan: Plan, wanted: dict[str, Any]) -> "list[Captured]":
    """Return stored events that a selection names, oldest first."""
    from hookagent.cli.selecting import event_filter

    chosen = event_filter(source=plan.source, now=clock(), **wanted)
    found = await store.events(chosen)
    if not found:
        raise NotFound("no stored event is selected", hint="hookagent inspect shows what there is")
    captures = []
    for summary in reversed(found):
        captures += await targets.load(summary.id, store)
    return captures


def _prepared(config: "Config", captured: "Captured", plan: Plan) -> "tuple[RawRequest, str]":
    """Return the request to send and its URL."""
    from hookagent.cli.crafting import source_of
    from hookagent.pipeline.replay import at_source, edited, resigned

    request = edited(captured.request, plan.edits)
    request = msgspec.structs.replace(request, received_at=clock())
    known = {**config.sources}
    is_ours = not plan.to
    if not is_ours and not plan.source and captured.source not in known:
        if plan.edits and not plan.as_is:
            output.warn("the payload was edited and no source is known, so it is not signed anew")
        return request, _with_target(plan.to, request)
    source = source_of(captured.source, known, asked=plan.source or None)
    if is_ours:
        request = at_source(request, source)
    if not plan.as_is:
        request = resigned(request, source, now=clock())
    url = _with_target(plan.to, request) if plan.to else _listener(config) + request.target
    return request, url


def _with_target(url: str, request: "RawRequest") -> str:
    """Keep the query the provider sent where the URL has none."""
    return url if "?" in url or not request.query else f"{url}?{request.query}"


def _listener(config: "Config") -> str:
    from hookagent.pipeline.presence import listener_url

    return listener_url(config.state_folder, config.server.host, config.server.port)


async def _send_one(
    config: "Config", captured: "Captured", plan: Plan, sender: "Sender", number: int
) -> int:
    """Send one capture once; return 1 where it was refused."""
    from hookagent.pipeline.origin import mark_replay, replay_key

    request, url = _prepared(config, captured, plan)
    if not plan.to:
        nonce = f"{os.urandom(8).hex()}{number:x}"
        key = replay_key(config.state_folder)
        parent = captured.id if captured.id.startswith("evt_") else ""
        request = mark_replay(request, parent=parent, nonce=nonce, key=key)
    reply = await sender.send(request, url)
    _say(captured, url, reply, plan)
    return int(reply.status >= 400)  # noqa: PLR2004 - HTTP's errors


def _say(captured: "Captured", url: str, reply: "Reply", plan: Plan) -> None:
    text = reply.body.decode("utf-8", "replace")
    name = captured.id or captured.source or "payload"
    if plan.json:
        output.json_line(
            {
                "event": name,
                "url": url,
                "status": reply.status,
                "ms": round(reply.ms, 1),
                "body": text,
            }
        )
        return
    colour = "green" if reply.status < 400 else "red"  # noqa: PLR2004 - HTTP's errors
    output.data(
        output.Ink(str(reply.status), colour),
        f"  {name}  → {url}  {reply.ms:.0f} ms  {output.safe_line(text, most=200)}",
    )


def _dry_run(config: "Config", captures: "list[Captured]", plan: Plan) -> ExitCode:
    """Match here and say what each action would do; send nothing."""
    from hookagent.cli.rehearsal import rehearse

    fired = 0
    for captured in captures:
        fired += rehearse(config, captured, plan.source, plan.edits, as_json=plan.json)
    return ExitCode.DONE if fired else ExitCode.NO
