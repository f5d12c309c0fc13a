"""Sends requests on an operator's behalf: stored events again, edited or not, and crafted ones.

Where to is never free text: the listener, or an address that a `forward` step of the rules in force
already sends to. A page that got hold of the interface could otherwise call anything (SECURITY I8).
"""

import base64
import binascii
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from hookagent.actions.egress import read_address
from hookagent.actions.forward import passed_on
from hookagent.actions.sender import Reply, Sender
from hookagent.config.model import Config, Source
from hookagent.environment import MissingVariable
from hookagent.errors import AnswerNo, NotFound, UsageError
from hookagent.event import Headers, RawRequest
from hookagent.eventfile import Captured
from hookagent.pipeline import exports
from hookagent.pipeline.entrance import common_key, entrance
from hookagent.pipeline.masking import masked
from hookagent.pipeline.origin import mark_replay
from hookagent.pipeline.replay import at_source, resigned, signer
from hookagent.providers import sample
from hookagent.server.inspector.answers import json
from hookagent.server.inspector.asking import REFUSED_ID, asked, captured_or_fail, shown
from hookagent.server.inspector.parts import PARTS, Parts

LISTENER = "listener"
ANSWER_SHOWN = 4_096
"""Bytes of an answer that are passed on."""
TEMPLATE = "{{"


class Replay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a stored event is to be sent again; what is left out stays as it came."""

    sign: bool = True
    """Afresh, with the source's secret and the time of now."""
    to: str = LISTENER
    body: str | None = None
    body_b64: str | None = None
    headers: list[tuple[str, str]] | None = None


class Craft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signed request to make, and whether to send it."""

    type: str = ""
    """A built-in payload of the source's provider, with the headers it sends along."""
    body: str | None = None
    """Instead of the payload's; `{}` where there is neither."""
    content_type: str = "application/json"
    send: bool = False


async def replay(request: web.Request) -> web.Response:
    """Send an event or a refused delivery again; answers with what the target said."""
    parts = request.app[PARTS]
    captured = await captured_or_fail(parts.store, request.match_info["id"])
    wanted = await asked(request, Replay)
    source = signer(captured.source, parts.config.sources)  # `forward` has none
    url = targets(parts).get(wanted.to)
    if url is None:
        raise NotFound.among("target", wanted.to[:80], targets(parts))
    if wanted.body is None and wanted.body_b64 is None:
        _check_whole(captured)
    raw = _edited(captured, parts.config, wanted)
    raw = msgspec.structs.replace(raw, received_at=parts.clock())
    if wanted.to == LISTENER and source is not None:
        raw = at_source(raw, source)
    if wanted.sign and source is not None:
        raw = resigned(raw, source, now=parts.clock())
    if wanted.to != LISTENER:
        headers = passed_on(raw.headers, [], is_here=_is_here(url))  # as `forward` itself would
        raw = msgspec.structs.replace(raw, headers=headers)
    else:
        key = await common_key(parts.store, parts.config.state_folder)
        raw = mark_replay(raw, parent=captured.id, nonce=os.urandom(8).hex(), key=key)
        url = await _door(parts) + raw.target
    said = await _sent(raw, url)
    if wanted.sign and source is None:
        said["note"] = f"not signed anew: no source `{captured.source}` is configured"
    return json(said)


def _check_whole(captured: Captured) -> None:
    """Refuse what was cut when it was kept. Raises AnswerNo."""
    said = captured.request.headers.text("content-length") or ""
    if captured.id.startswith(REFUSED_ID) and said.isdecimal():
        kept = len(captured.request.body)
        if int(said[:18]) > kept:
            raise AnswerNo(
                f"only the first {kept} bytes of this body were kept",
                hint="it cannot be sent again as it was; edit it, or have its sender send it again",
            )


def _is_here(url: str) -> bool:
    """Whether an address is on this machine."""
    host = urlsplit(url).hostname or ""
    address = read_address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _edited(captured: Captured, config: Config, wanted: Replay) -> RawRequest:
    """Put the edits in. A masked header that was not touched keeps its real value."""
    request = captured.request
    if wanted.headers is not None:
        real: dict[tuple[str, str], list[str]] = {}
        seen = shown(captured, config).request.headers.items()
        for (name, value), (_, secret) in zip(seen, request.headers.items(), strict=True):
            real.setdefault((name, value), []).append(secret)
        fields = [
            (name, real[name, value].pop(0) if real.get((name, value)) else value)
            for name, value in wanted.headers
        ]
        request = msgspec.structs.replace(request, headers=_headers(fields))
    if wanted.body_b64 is not None:
        try:
            body = base64.b64decode(wanted.body_b64, validate=True)
        except (binascii.Error, ValueError):
            raise UsageError("`body_b64` is not base64") from None
        return msgspec.structs.replace(request, body=body)
    if wanted.body is not None:
        return msgspec.structs.replace(request, body=wanted.body.encode())
    return request


def _headers(fields: list[tuple[str, str]]) -> Headers:
    for name, value in fields:
        if not name or any(bad in name + value for bad in "\r\n\0") or ":" in name.strip():
            raise UsageError(f"`{name[:80]}` is not a header")
    return Headers.of([(name.strip(), value.strip()) for name, value in fields])


def targets(parts: Parts) -> Mapping[str, str]:
    """Return where requests may go: by name, the listener and what rules forward to."""
    found = {LISTENER: parts.listener}
    book = parts.rulebook()
    for rule in book.ruleset.rules if book else ():
        for step in rule.do:
            if step.action != "forward":
                continue
            for number, url in enumerate(_addresses(step.options.get("url"), parts.config)):
                suffix = f"#{number + 1}" if number else ""
                found[f"{rule.name}/{step.name}{suffix}"] = url
    return found


def _addresses(option: Any, config: Config) -> list[str]:
    """Return a step's fixed addresses; one that depends on the event is no target."""
    written = [option] if isinstance(option, str) else option if isinstance(option, list) else []
    found = []
    for text in written:
        if not isinstance(text, str) or TEMPLATE in text:
            continue
        try:
            found.append(config.environment.expand(text))
        except MissingVariable:
            continue
    return [url for url in found if url.startswith(("http://", "https://"))]


async def craft(request: web.Request) -> web.Response:
    """Make a signed request for a source, and send it to the listener if asked."""
    parts = request.app[PARTS]
    source = parts.config.source(request.match_info["name"])
    wanted = await asked(request, Craft)
    raw = resigned(_unsigned(source, wanted, parts.clock()), source, now=parts.clock())
    safe = masked(Captured(request=raw, source=source.name), parts.config).request
    url = (await _door(parts) if wanted.send else parts.listener) + raw.target
    made = {"curl": exports.to_curl(safe, url), "headers": [list(h) for h in safe.headers.items()]}
    return json({**made, "sent": await _sent(raw, url) if wanted.send else None})


async def _door(parts: Parts) -> str:
    """Return the URL of a listener that takes what is sent. Raises OutsideError for none."""
    if parts.listens:
        return parts.listener
    return (await entrance(parts.config, parts.clock(), parts.store)).url


def _unsigned(source: Source, wanted: Craft, now: int) -> RawRequest:
    fields = [("Content-Type", wanted.content_type)]
    body, query = (wanted.body or "{}").encode(), ""
    if wanted.type:
        found = _filled(source, wanted.type, now)
        query = found.query
        if wanted.body is None:
            body = found.body
        fields = [("Content-Type", found.content_type), *found.headers]
    return RawRequest(
        method=source.methods[0],
        target=source.path + (f"?{query}" if query else ""),
        headers=_headers(fields),
        body=body,
        received_at=now,
    )


def _filled(source: Source, event_type: str, now: int) -> sample.Sample:
    entropy = int.from_bytes(os.urandom(8))
    return sample.fill(sample.load(provider_of(source), event_type), now=now, entropy=entropy)


def provider_of(source: Source) -> str:
    """Return whose samples fit a source."""
    return (source.provider or source.scheme.name).partition("/")[0]


async def samples(request: web.Request) -> web.Response:
    """List a source's built-in payloads, or return one of them, filled."""
    parts = request.app[PARTS]
    source = parts.config.source(request.match_info["name"])
    wanted = request.query.get("type", "")
    if not wanted:
        return json({"types": list(sample.event_types(provider_of(source)))})
    found = _filled(source, wanted, parts.clock())
    text = found.body.decode("utf-8", "replace")
    return json({"type": wanted, "body": text, "content_type": found.content_type})


async def _sent(raw: RawRequest, url: str) -> dict[str, Any]:
    """Send it and return what a person wants to know of the answer."""
    async with Sender() as sender:
        reply = await sender.send(raw, url)
    return {
        "status": reply.status,
        "ms": round(reply.ms, 1),
        "body": reply.body[:ANSWER_SHOWN].decode("utf-8", "replace"),
        "event": _event_of(reply),
    }


def _event_of(reply: Reply) -> str | None:
    """Return the id of the event our own listener made of it."""
    try:
        said = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    found = said.get("id") if isinstance(said, dict) else None
    return found if isinstance(found, str) and found.startswith("evt_") else None


async def listed(request: web.Request) -> web.Response:
    """List the names of targets; an address may hold a secret, so it is not told."""
    return json({"targets": list(targets(request.app[PARTS]))})


ROUTES = (
    web.get("/api/targets", listed),
    web.post("/api/events/{id}/replay", replay),
    web.get("/api/sources/{name}/samples", samples),
    web.post("/api/sources/{name}/craft", craft),
)
