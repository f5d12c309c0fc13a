"""`hookagent sign`: craft a request that the verifier of any scheme accepts."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hookagent.cli import output
from hookagent.cli.asking import complete_event
from hookagent.cli.options import AsSourceOption, ConfigOption, SchemeOption
from hookagent.cli.targets import read_stdin
from hookagent.errors import ExitCode, OutsideError, UsageError

if TYPE_CHECKING:
    from hookagent.cli.crafting import Craft
    from hookagent.event import RawRequest
    from hookagent.providers.sample import Sample

FORMATS = ("headers", "curl", "http", "json")


def sign(
    config: ConfigOption = None,
    scheme: SchemeOption = None,
    source: AsSourceOption = None,
    *,
    secret: Annotated[
        str | None,
        typer.Option(metavar="S", help="The secret; @FILE or '${NAME}' keep it out of `ps`."),
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The body; @FILE or @- for a file or stdin.")
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE",
            help="A built-in payload of this event type.",
            autocompletion=complete_event,
        ),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change the payload.")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A setting the scheme needs.")
    ] = None,
    timestamp: Annotated[
        int | None, typer.Option(metavar="UNIX", help="Sign as at this time; now when left out.")
    ] = None,
    message_id: Annotated[
        str, typer.Option("--id", metavar="ID", help="The message id; made up when left out.")
    ] = "",
    method: Annotated[str, typer.Option(metavar="NAME", help="The HTTP method.")] = "POST",
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="Where it is to go; signed where covered.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option(metavar="NAME:VALUE", help="One more header.")
    ] = None,
    make_key: Annotated[
        bool,
        typer.Option("--make-key", help="Sign with a key pair of your own, made here if need be."),
    ] = False,
    form: Annotated[
        str, typer.Option("--format", metavar="FORM", help="headers, curl, http or json.")
    ] = "curl",
    send: Annotated[bool, typer.Option("--send", help="Send it and show the answer.")] = False,
) -> ExitCode:
    """Craft a signed request for any scheme or source.

    Example: hookagent sign --source support --data '{"ticket_id": 1}' --send

    Example: hookagent sign --scheme github --secret '${GITHUB_SECRET}' --event push

    Example: hookagent sign --scheme discord --make-key --format json
    """
    if form not in FORMATS:
        raise UsageError(f"unknown format `{form}`", hint="known: " + ", ".join(FORMATS))
    from hookagent.cli.clock import clock
    from hookagent.cli.crafting import craft, read_secret

    if scheme is None and source is None and output.can_ask():
        from hookagent.cli.asking import ask

        scheme, source, asked = ask()
        event = event or (asked if data is None else None)
    secrets = [read_secret(secret)] if secret is not None else []
    made = craft(scheme=scheme, source=source, secrets=secrets, given=setting or [], config=config)
    made = _with_key(made, is_given=bool(secrets), make_key=make_key)
    now = clock() if timestamp is None else timestamp * 1000
    request = _request(made, _body(data), event, header or [], method=method, url=url, now=now)
    signed = _signed(made, _changed(request, set_ or []), now=now, message_id=message_id)
    if send:
        import asyncio

        return asyncio.run(_send(signed, made))
    _write(signed, made, form)
    return ExitCode.DONE


def _with_key(made: "Craft", *, is_given: bool, make_key: bool) -> "Craft":
    """Return the craft with what it signs with: a pair of our own, or the secret asked for."""
    from dataclasses import replace

    from hookagent.cli.keys import key_pair, say_pair

    family = made.scheme.key_family
    if family is None:
        if made.secrets or not made.scheme.needs_secret:
            return made
        if not output.can_ask():
            raise UsageError(f"`{made.scheme.name}` needs a secret", hint="add --secret S")
        from hookagent.cli.asking import ask_secret

        return replace(made, secrets=(ask_secret(made.scheme.name),))
    if is_given:
        return made
    if not make_key and not _wants_pair(made.scheme.name):
        raise UsageError(
            f"`{made.scheme.name}` is signed with a private key",
            hint="add --make-key to sign with one of your own, or --secret @private.pem",
        )
    pair = key_pair(made.scheme, family, Path())
    say_pair(pair, made.source.name if made.source else made.scheme.name.partition("/")[0])
    return replace(made, secrets=(pair.private,))


def _wants_pair(name: str) -> bool:
    """Ask, on a terminal, whether to make a pair."""
    question = f"`{name}` is signed with a private key. Make a pair of your own here?"
    return output.can_ask() and typer.confirm(question, default=True, err=True)


def _body(data: str | None) -> bytes | None:
    if data is None:
        return None
    if data == "@-":
        return read_stdin()
    if data.startswith("@"):
        try:
            return Path(data[1:]).read_bytes()
        except OSError as error:
            raise UsageError(f"cannot read the body in `{data[1:]}`: {error.strerror}") from None
    return data.encode("utf-8", "surrogateescape")


def _request(
    made: "Craft",
    body: bytes | None,
    event: str | None,
    headers: list[str],
    *,
    method: str,
    url: str | None,
    now: int,
) -> "RawRequest":
    """Put the unsigned request together."""
    from urllib.parse import urlsplit

    from hookagent.event import Headers, RawRequest
    from hookagent.providers.body import likely_type

    fields, query = [("Content-Type", likely_type(made.body, body or b""))], ""
    if event is not None:
        found = _sample(made, event, now)
        body, query = found.body if body is None else body, found.query
        fields = [("Content-Type", found.content_type), *found.headers]
    parts = urlsplit(url or "")
    query = "&".join(filter(None, (parts.query, query)))
    target = (parts.path or made.path) + (f"?{query}" if query else "")
    base = f"{parts.scheme}://{parts.netloc}" if parts.netloc else made.base_url
    raw = RawRequest(
        method=method.upper(),
        target=target,
        base_url=base,
        headers=Headers.of(fields),
        body=_nothing(made) if body is None else body,
        received_at=now,
    )
    if not headers:
        return raw
    import msgspec

    more = [_header(text) for text in headers]
    return msgspec.structs.replace(raw, headers=raw.headers.with_fields(more))


def _nothing(made: "Craft") -> bytes:
    return b"" if made.body == "form" else b"{}"


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or any(bad in text for bad in "\r\n\0"):
        raise UsageError(f"`--header {text}` is not a header", hint="write --header 'Name: value'")
    return name.strip(), value.strip()


def _sample(made: "Craft", event: str, now: int) -> "Sample":
    """Return the built-in payload of an event type, with fresh ids and times."""
    from hookagent.providers import sample

    provider = (made.source.provider if made.source else None) or made.scheme.name
    return sample.fill(
        sample.load(provider.partition("/")[0], event),
        now=now,
        entropy=int.from_bytes(os.urandom(8)),
    )


def _changed(request: "RawRequest", sets: list[str]) -> "RawRequest":
    from hookagent.pipeline.replay import edited, parse_set

    return edited(request, [parse_set(text) for text in sets])


def _signed(made: "Craft", request: "RawRequest", *, now: int, message_id: str) -> "RawRequest":
    from hookagent.providers import sign as signing
    from hookagent.providers.body import wrapped

    is_signed_inside = made.scheme.place.kind == "json"
    signed = signing.sign(
        made.scheme,
        request if is_signed_inside else wrapped(made.scheme, request),
        made.secrets[0] if made.secrets else "",
        now=now,
        message_id=message_id,
        settings=made.settings,
        base_url=made.base_url,
    )
    return wrapped(made.scheme, signed) if is_signed_inside else signed


def _write(request: "RawRequest", made: "Craft", form: str) -> None:
    """Write the request in the form asked for."""
    from hookagent.eventfile import Captured
    from hookagent.pipeline import exports

    url = made.url(request)
    if form == "headers":
        for name, value in request.headers.items():
            output.data(f"{name}: {value}")
    elif form == "curl":
        output.data(exports.to_curl(request, url))
    elif form == "http":
        _write_http(exports.to_http(request, url))
    else:
        name = made.source.name if made.source else ""
        output.data(exports.to_event_line(Captured(request=request, source=name)))


def _write_http(wire: bytes) -> None:
    """Write the very bytes to a pipe or file; on a terminal, text that cannot steer it."""
    if not output.is_terminal():
        output.raw(wire)
        return
    for line in wire.decode("utf-8", "backslashreplace").replace("\r\n", "\n").split("\n"):
        output.data(line)


async def _send(request: "RawRequest", made: "Craft") -> ExitCode:
    """Send it to its URL and show the answer."""
    from hookagent.actions.sender import Sender

    url = made.url(request)
    async with Sender() as sender:
        reply = await sender.send(request, url)
    output.data(f"{reply.status}  {reply.ms:.0f} ms  {url}")
    if reply.body:
        output.data(reply.body.decode("utf-8", "replace"))
    if reply.status >= 500:  # noqa: PLR2004 - HTTP's server errors
        raise OutsideError(f"the target answered {reply.status}")
    return ExitCode.DONE if reply.status < 400 else ExitCode.NO  # noqa: PLR2004 - HTTP's client errors
