"""How the rule commands come by events: files, payloads and stored ids."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from hookagent.cli import output, targets
from hookagent.cli.clock import clock
from hookagent.errors import NotFound

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.event import Event
    from hookagent.eventfile import Captured
    from hookagent.subject import Reference
    from hookagent.verdict import Integrity

SourceOption = Annotated[
    str, typer.Option("--source", metavar="NAME", help="The source of events that name none.")
]
TypeOption = Annotated[
    str, typer.Option("--type", metavar="TYPE", help="The type of events that have none.")
]


async def read_events(
    config: "Config",
    names: Sequence[str],
    *,
    source: str = "",
    type_: str = "",
) -> "list[tuple[str, Event]]":
    """Return the events that files, `-` and stored ids stand for, each with a name for it."""
    if any(targets.is_stored(name) for name in names):
        from hookagent.cli.storing import opened

        async with opened(config) as store:
            captured = [(name, it) for name in names for it in await targets.load(name, store)]
    else:
        captured = [(name, it) for name in names for it in targets.read_file(name)]
    found = []
    for number, (name, it) in enumerate(captured):
        event = event_of(it, config, source=source, type_=type_)
        same = sum(1 for other, _ in captured if other == name)
        found.append((it.id or (f"{name}:{number + 1}" if same > 1 else name), event))
    if found and not any(event.source for _, event in found):
        output.warn(
            "the events name no source, so rules with `on` cannot match",
            hint="give --source NAME",
        )
    return found


def event_of(captured: "Captured", config: "Config", *, source: str, type_: str) -> "Event":
    """Make the event that a capture would become; what it says itself goes first."""
    from hookagent.event import Event
    from hookagent.verdict import Code, Verdict

    name = captured.source or source
    value, found_type, integrity = _read(captured, config, name)
    request = captured.request
    return Event(
        id=captured.id or "evt_given",
        source=name,
        type=captured.type or type_ or found_type,
        request=msgspec.structs.replace(request, received_at=request.received_at or clock()),
        verdict=Verdict(valid=True, scheme="none", code=Code.OK, integrity=integrity),
        payload=value,
    )


def _read(captured: "Captured", config: "Config", name: str) -> "tuple[Any, str, Integrity]":
    """Return payload, type and integrity, as the source says or as the catalogue does."""
    from hookagent.pipeline.gate import type_of, value_of
    from hookagent.verdict import Integrity

    source = config.sources.get(name)
    value = value_of(source, captured.request)
    if source is not None:
        return value, type_of(source, captured.request, value), source.scheme.integrity
    found = [
        values[0]
        for reference in _catalogued(name)
        if (values := _values(reference, captured, value))
    ]
    return value, ".".join(text for text in found if isinstance(text, str)), Integrity.NONE


def _catalogued(name: str) -> "Sequence[Reference]":
    """Return where a provider of that name has its type, if there is one."""
    from hookagent.providers import catalog

    try:
        return catalog.provider_of(name).main.type if name else ()
    except NotFound:
        return ()


def _values(reference: "Reference", captured: "Captured", value: Any) -> list[Any]:
    from hookagent.subject import request_values

    return request_values(reference, captured.request, value)
