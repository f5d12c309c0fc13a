"""`hookagent verify`: is a captured request genuine, and if not, why not."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from hookagent.cli import output
from hookagent.cli.options import (
    AsSourceOption,
    ConfigOption,
    JsonOption,
    SchemeOption,
    StoreOption,
)
from hookagent.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hookagent.cli.crafting import Craft
    from hookagent.eventfile import Captured
    from hookagent.providers.diagnose import Case, Diagnosis


def verify(
    request: Annotated[
        str, typer.Argument(metavar="REQUEST", help="An event file, `-`, or a stored id.")
    ],
    config: ConfigOption = None,
    store: StoreOption = None,
    scheme: SchemeOption = None,
    source: AsSourceOption = None,
    *,
    secret: Annotated[
        list[str] | None,
        typer.Option(metavar="S", help="The secret; @FILE or '${NAME}' keep it out of `ps`."),
    ] = None,
    public_key: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="The provider's public key, or @FILE.")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A setting the scheme needs.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The public URL, for schemes that sign it.")
    ] = None,
    now: Annotated[int | None, typer.Option(metavar="UNIX", help="Judge as at this time.")] = None,
    json: JsonOption = False,
) -> ExitCode:
    """Check a captured request and say why it fails.

    Example: hookagent verify rej_018c…

    Example: hookagent verify event.json --scheme github --secret @secret.txt
    """
    captured, refusal = _load(request, config, store)
    if scheme is None and source is None:
        source = captured.source or None
    from hookagent.cli.clock import clock
    from hookagent.cli.crafting import craft, read_secret

    made = craft(
        scheme=scheme,
        source=source,
        secrets=[read_secret(text) for text in secret or []],
        given=setting or [],
        config=config,
    )
    at = now * 1000 if now is not None else (captured.request.received_at or clock())
    captured = _at_url(captured, url, made)
    found = _judge(made, captured, [read_secret(key) for key in public_key or []], at)
    _answer(found, as_json=json)
    if refusal and found.verdict.valid:
        output.talk(f"when it came it was refused: {refusal}")
    return ExitCode.DONE if found.verdict.valid else ExitCode.NO


def _load(target: str, config: Path | None, store: str | None) -> "tuple[Captured, str]":
    """Return the one request a target is, and why it was refused where it is kept as refused."""
    from hookagent.cli import settings, targets

    refusal = ""

    if not targets.is_stored(target):
        captures = targets.read_file(target)
    else:
        loaded = settings.load_config(config, store=store)

        async def look() -> "list[Captured]":
            from hookagent.cli.storing import opened

            nonlocal refusal
            async with opened(loaded) as opened_store:
                rejected = await opened_store.rejection(target)
                refusal = rejected.error if rejected is not None else ""
                return await targets.load(target, opened_store)

        captures = asyncio.run(look())
    if len(captures) != 1:
        raise UsageError(f"`{target}` holds {len(captures)} requests", hint="give one at a time")
    return captures[0], refusal


def _at_url(captured: "Captured", url: str | None, made: "Craft") -> "Captured":
    """Put the public URL in, as the provider saw it."""
    from urllib.parse import urlsplit

    base, target = made.base_url or captured.request.base_url, captured.request.target
    if url is not None:
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}"
        query = parts.query or captured.request.query  # a signature may stand there
        target = (parts.path or "/") + (f"?{query}" if query else "")
    request = msgspec.structs.replace(captured.request, base_url=base, target=target)
    return msgspec.structs.replace(captured, request=request)


def _judge(made: "Craft", captured: "Captured", public_keys: list[str], at: int) -> "Diagnosis":
    """Verify, and find out what would have made it pass."""
    from hookagent.providers.diagnose import Case, diagnose

    if not (made.secrets or public_keys) and made.scheme.needs_secret:
        raise UsageError(f"`{made.scheme.name}` needs a secret", hint="add --secret S")
    case = Case(
        scheme=made.scheme,
        request=captured.request,
        secrets=made.secrets,
        now=at,
        tolerance_ms=made.tolerance_ms,
        settings=made.settings,
        base_url=captured.request.base_url,
        public_keys=tuple(public_keys),
        others=made.others,
    )
    if case.secrets or case.public_keys or not case.scheme.is_key_published:
        return diagnose(case)
    return asyncio.run(_judge_with_published_key(case))


async def _judge_with_published_key(case: "Case") -> "Diagnosis":
    """Judge with the key the provider publishes, fetched as `serve` would."""
    from hookagent.actions.base import Outside
    from hookagent.cli.clock import clock
    from hookagent.environment import Environment
    from hookagent.pipeline.keys import PublishedKeys, guarded_fetch
    from hookagent.providers.diagnose import diagnose
    from hookagent.providers.keyaddress import hosts
    from hookagent.verdict import Code

    here = Path.cwd()
    outside = Outside(folder=here, state=here, environment=Environment({}), clock=clock)
    keys = PublishedKeys(guarded_fetch(outside), hosts(case.scheme), clock=clock, say=output.talk)
    try:
        case = msgspec.structs.replace(case, keys=keys)
        found = diagnose(case)
        if found.verdict.code is Code.KEY_UNAVAILABLE:
            await keys.settled()
            found = diagnose(case)
        return found
    finally:
        await keys.close()
        await outside.close()


def _answer(found: "Diagnosis", *, as_json: bool) -> None:
    from hookagent.verdict import Code

    verdict = found.verdict
    shown: dict[str, Any] = {
        "valid": verdict.valid,
        "scheme": verdict.scheme,
        "reason": str(found.cause),
        "hint": None if verdict.valid else found.mend,
        "evidence": found.evidence,
        "code": str(verdict.code),
        "integrity": str(verdict.integrity),
        "secret_index": verdict.secret_index,
    }
    if as_json:
        output.json_line(shown)
        return
    if verdict.code is Code.UNCHECKED:
        output.data(output.Ink("?", "yellow"), f" not verified: `{verdict.scheme}` checks nothing")
        return
    mark = output.Ink(output.mark(good=verdict.valid), "green" if verdict.valid else "red")
    output.data(mark, " genuine" if verdict.valid else f" not genuine: {found.cause}")
    output.data(f"  scheme     {verdict.scheme}")
    output.data(f"  integrity  {verdict.integrity}")
    if not verdict.valid:
        output.data(f"  because    {found.evidence}")
        output.data(f"  mend       {found.mend}")
