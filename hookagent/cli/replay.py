"""`hookagent replay`: send captured or stored events again, freshly signed."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from hookagent.cli import output, settings, targets
from hookagent.cli.clock import clock
from hookagent.cli.options import (
    ConfigOption,
    JsonOption,
    LimitOption,
    SchemeOption,
    StoreOption,
    complete_source,
)
from hookagent.errors import ExitCode, NotFound, OutsideError, UsageError, did_you_mean

if TYPE_CHECKING:
    from hookagent.cli.sending import Answered, Plan
    from hookagent.config.model import Config
    from hookagent.eventfile import Captured
    from hookagent.lookup import Path
    from hookagent.store.base import EventFilter

MANY = 10
"""A selection of more is asked about first, on a terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which captures, and what else was asked."""

    names: list[str]
    wanted: "EventFilter | None"
    """A selection of stored events; None where names say it all."""
    where: list[str]
    limit: int | None
    edit: bool
    dry_run: bool
    yes: bool
    json: bool


def replay(
    target: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TARGET…",
            help="Event files, payloads, HARs, stored ids, `-`.",
        ),
    ] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Stored events of this source; the source of what a file holds.",
            autocompletion=complete_source,
        ),
    ] = None,
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
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help="Only those: 'data.amount >= 100'."),
    ] = None,
    limit: LimitOption = None,
    to: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Send there, not to the listener; several are compared."),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change the payload.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="Take a field out of the payload.")
    ] = None,
    edit: Annotated[bool, typer.Option("--edit", help="Edit the payload in $EDITOR.")] = False,
    times: Annotated[int, typer.Option(min=1, metavar="N", help="Send each so often.")] = 1,
    rate: Annotated[
        float, typer.Option(min=0, metavar="N", help="At most N a second; 0 for no limit.")
    ] = 0,
    parallel: Annotated[
        int, typer.Option(min=1, max=256, metavar="N", help="Send up to N at once.")
    ] = 1,
    key: Annotated[
        str,
        typer.Option(metavar="PATH", help="With --parallel: events equal here keep their order."),
    ] = "",
    scheme: SchemeOption = None,
    secret: Annotated[
        str | None,
        typer.Option(
            metavar="S", help="Sign what has no source with it; @FILE or '${NAME}' hide it."
        ),
    ] = None,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Send the old signature, unchanged.")
    ] = False,
    chaos: Annotated[
        str | None,
        typer.Option(
            metavar="KINDS", help="dup=3,retry,reorder,delay=2s,stale=10m,tamper,truncate,slow."
        ),
    ] = None,
    probe: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="With --chaos: a page of the application whose answer changes when it acts.",
        ),
    ] = "",
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="With --chaos: the same N, the same order.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say which rules would fire; send nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before many.")] = False,
    json: JsonOption = False,
) -> ExitCode:
    """Send events again, re-signed with a fresh timestamp, to the listener or anywhere.

    Example: hookagent replay evt_018c…

    Example: hookagent replay event.json --to http://127.0.0.1:3000/webhook --set amount=5

    Example: hookagent replay --source shop --since 1h --to http://127.0.0.1:3000 --chaos dup=3
    """
    from hookagent.cli.crafting import read_secret
    from hookagent.cli.selecting import event_filter
    from hookagent.cli.sending import Plan
    from hookagent.pipeline.chaos import parse_chaos
    from hookagent.pipeline.replay import parse_remove, parse_set

    loaded = settings.load_config(config, store=store)
    names = target or []
    plan = Plan(
        to=_to(to or ()),
        source=source if source and (names or source in loaded.sources) else "",
        scheme=scheme or "",
        secret=read_secret(secret) if secret else "",
        edits=(*map(parse_set, set_ or ()), *map(parse_remove, remove or ())),
        times=times,
        rate=rate,
        as_is=as_is,
        parallel=parallel,
        key=_key(key, parallel),
        chaos=None if chaos is None else parse_chaos(chaos),
        probe=_probe(probe, chaos, parallel),
        seed=int.from_bytes(os.urandom(4)) if seed is None else seed,
    )
    selects = any((source, type_, since, until, status, where, limit))
    if not names and not selects:
        raise UsageError(
            "what is to be sent again?",
            hint="give a file, a stored id, `-`, or a selection such as --source NAME --since 1h",
        )
    wanted = event_filter(
        now=clock(), source=source or "", type=type_, status=status, since=since, until=until,
        limit=None if where else limit,
    )  # fmt: skip
    choice = Choice(
        names=names, wanted=None if names else wanted, where=where or [], limit=limit,
        edit=edit, dry_run=dry_run, yes=yes, json=json,
    )  # fmt: skip
    return asyncio.run(_replay(loaded, choice, plan))


def _to(urls: Sequence[str]) -> tuple[str, ...]:
    """Check `--to`. Raises UsageError."""
    for url in urls:
        if not url.startswith(("http://", "https://")):
            hint = "such as http://127.0.0.1:3000/webhook"
            raise UsageError(f"`--to {url}` is not a URL", hint=hint)
    return tuple(urls)


def _probe(url: str, chaos: str | None, parallel: int) -> str:
    """Check `--probe`. Raises UsageError."""
    if url and (chaos is None or parallel > 1):
        raise UsageError("`--probe` goes with --chaos, one request at a time")
    if url and not url.startswith(("http://", "https://")):
        raise UsageError(f"`--probe {url}` is not a URL")
    return url


def _key(text: str, parallel: int) -> "Path | None":
    """Read `--key`. Raises UsageError."""
    from hookagent.lookup import PathError, parse_path

    if not text:
        return None
    if parallel == 1:
        raise UsageError("`--key` says what --parallel keeps in order", hint="add --parallel 8")
    try:
        return parse_path(text)
    except PathError as error:
        raise UsageError(f"`--key {text}` is not a path: {error}") from None


async def _replay(config: "Config", choice: Choice, plan: "Plan") -> ExitCode:
    captures = await _captures(config, choice, plan)
    if choice.edit:
        captures = [_edited(captures)]
    if choice.dry_run:
        return _dry_run(config, captures, plan, as_json=choice.json)
    from hookagent.cli import answers
    from hookagent.cli.sending import letters, send_all

    count = len(letters(len(captures), plan))
    if count > MANY and not choice.yes and output.can_ask():
        where = ", ".join(plan.to) or "the listener, whose rules will act"
        typer.confirm(f"Send {count} requests to {where}?", abort=True, err=True)
    say = answers.teller(plan, as_json=choice.json)
    kept: list[Answered] = []
    bad = silent = told = 0

    def tell(answered: "Answered") -> None:
        nonlocal bad, silent, told
        told += 1
        bad += not answered.is_sound
        silent += not answered.status
        if plan.chaos is not None or len(plan.to) > 1:
            kept.append(answered)
        say(answered)

    await send_all(config, captures, plan, tell)
    if kept and not choice.json:
        _summarize(kept, plan)
    if silent == told:
        raise OutsideError(kept[0].error if kept else "nothing answered")
    return ExitCode.NO if bad else ExitCode.DONE


def _summarize(kept: "list[Answered]", plan: "Plan") -> None:
    """Say what many answers come to."""
    from hookagent.cli import answers

    if len(plan.to) > 1:
        answers.side_by_side(kept, plan)
    if plan.chaos is not None:
        answers.chaos_table(kept)
        if plan.chaos.reorder or plan.chaos.delay_ms:
            output.talk(f"the same order again: --seed {plan.seed}")


def _edited(captures: "list[Captured]") -> "Captured":
    """Let the person edit the one capture."""
    from hookagent.cli.editing import edit

    if len(captures) != 1:
        raise UsageError(f"--edit is for one event, not {len(captures)}", hint="or use --set")
    (captured,) = captures
    return msgspec.structs.replace(captured, request=edit(captured.request))


async def _captures(config: "Config", choice: Choice, plan: "Plan") -> "list[Captured]":
    """Collect everything the command line points at, oldest first."""
    if any(map(targets.is_stored, choice.names)) or choice.wanted is not None:
        found = await _stored(config, choice)
    else:
        found = [captured for name in choice.names for captured in targets.read_file(name)]
    if choice.where:
        found = _that_meet(config, found, choice, plan)
    if not found:
        wanted = choice.wanted.source if choice.wanted else ""
        near = None if wanted in config.sources else did_you_mean(wanted, config.sources)
        hint = near if wanted and near else "hookagent inspect shows what there is"
        raise NotFound("no event is selected", hint=hint)
    return found


async def _stored(config: "Config", choice: Choice) -> "list[Captured]":
    from hookagent.cli.storing import opened

    async with opened(config) as store:
        names = choice.names
        if choice.wanted is not None:
            names = [one.id for one in reversed(await store.events(choice.wanted))]
        found = []
        with output.Progress("events read", len(names)) as progress:
            for name in names:
                found += await targets.load(name, store)
                progress.step()
        return found


def _that_meet(
    config: "Config", found: "list[Captured]", choice: Choice, plan: "Plan"
) -> "list[Captured]":
    """Return the newest captures that meet `--where`."""
    from hookagent.cli.conditions import meeting

    meets = meeting(choice.where, config, plan.source)
    kept = [captured for captured in found if meets(captured)]
    return kept[-choice.limit :] if choice.limit else kept


def _dry_run(
    config: "Config", captures: "list[Captured]", plan: "Plan", *, as_json: bool
) -> ExitCode:
    """Match here and say what each action would do; send nothing."""
    from hookagent.cli.rehearsal import rehearse

    fired = 0
    for captured in captures:
        fired += rehearse(config, captured, plan.source, plan.edits, as_json=as_json)
    return ExitCode.DONE if fired else ExitCode.NO
