"""What the tools take: one declaration each, from which their JSON Schema comes."""

from typing import Annotated

import msgspec

Source = Annotated[str, msgspec.Meta(description="Only events of this source.")]
Type = Annotated[str, msgspec.Meta(description="Only events of this type; a glob.")]
EventId = Annotated[str, msgspec.Meta(description="An event's id (evt_…), or its beginning.")]
Limit = Annotated[int, msgspec.Meta(description="At most so many.", ge=1, le=200)]


class Filter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events."""

    source: Source = ""
    type: Type = ""
    status: Annotated[
        str, msgspec.Meta(description="Has a run in this state: done, dead, waiting, quiet, …")
    ] = ""
    rule: Annotated[str, msgspec.Meta(description="Has a run of this rule.")] = ""
    since: Annotated[str, msgspec.Meta(description="30m, 2h, 7d ago, or an RFC 3339 time.")] = ""
    limit: Limit = 20


class Search(Filter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events, by what is in them."""

    text: Annotated[str, msgspec.Meta(description="Occurs in the body.", min_length=1)]


class OneEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One event, and how much of its body."""

    event: EventId
    max_bytes: Annotated[
        int, msgspec.Meta(description="How much of the body.", ge=0, le=65_536)
    ] = 4_096


class OneId(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One delivery."""

    id: Annotated[
        str, msgspec.Meta(description="A stored event (evt_…) or a refused delivery (rej_…).")
    ]


class Two(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two events."""

    one: EventId
    other: EventId


class Wait(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to wait for, and how long."""

    source: Source = ""
    type: Type = ""
    text: Annotated[str, msgspec.Meta(description="Occurs in the body.")] = ""
    timeout_seconds: Annotated[
        float, msgspec.Meta(description="How long to wait.", gt=0, le=300)
    ] = 30


class Explain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event, and one rule or all."""

    event: EventId
    rule: Annotated[str, msgspec.Meta(description="One rule; all when left out.")] = ""


class TestRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules, and an event to try them on."""

    rules: Annotated[
        str,
        msgspec.Meta(
            description="Rules as TOML; those of the project when left out.", max_length=100_000
        ),
    ] = ""
    event: EventId = ""


class DryRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event, changed where wanted."""

    event: EventId
    set: Annotated[
        list[str], msgspec.Meta(description="Changes of the payload: path.to.field=VALUE.")
    ] = []


class Replay(DryRun, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event to be sent again, changed where wanted."""


class Sign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to be crafted."""

    source: Annotated[str, msgspec.Meta(description="The source it is for.")]
    body: Annotated[str, msgspec.Meta(description="The body, as it will be sent.")] = "{}"
    headers: Annotated[
        dict[str, str], msgspec.Meta(description="Further headers, such as the event's type.")
    ] = {}
