"""`delay`: let time pass before the next step, without holding a worker and across restarts."""

from typing import Annotated, Any

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.values import Duration
from hookagent.job import Done, Later, Outcome
from hookagent.template import Scope

about = "Wait before the next step, across restarts and without holding a worker."
leaves = '`{"until"}`: Unix milliseconds.'
example = """\
action = "delay"
wait = "10m"
"""

WAIT_MS_MAX = 30 * 86_400_000
"""Longer than an event is kept by default makes no sense."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How long."""

    wait: Annotated[
        Duration,
        msgspec.Meta(description="How long to wait from when the step is reached, at most `30d`."),
    ]

    def __post_init__(self) -> None:
        if self.wait.ms > WAIT_MS_MAX:
            raise ValueError("`wait` is at most `30d`")


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """How long, in milliseconds."""

    wait_ms: int


def prepare(options: Options, _scope: Scope) -> Prepared:
    """Take over the length."""
    return Prepared(wait_ms=options.wait.ms)


async def run(prepared: Prepared, call: Call, outside: Outside) -> Outcome:
    """Note on the first visit when it is over; be done on the first visit after that."""
    now = outside.clock()
    until = _until(call.earlier)
    if until is None:
        until = now + prepared.wait_ms
    if now >= until:
        return Done({"until": until})
    return Later(after_ms=until - now, reason="waiting as the rule says", output={"until": until})


def _until(earlier: Any) -> int | None:
    until = earlier.get("until") if isinstance(earlier, dict) else None
    return until if isinstance(until, int) else None
