"""`python`: call a function of the user's own, in a process of its own, under `exec`'s limits.

    def on_order(event, *, limit): ...          # may be async
        return {"accepted": True}               # JSON: what later steps see

`event` is a dict: id, source, type, payload, body, headers, received_at, idempotency_key, steps.
What the function prints goes to stderr; an exception is tried again, `SystemExit(65)` is for good.
"""

import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import msgspec

from hookagent import eventfile
from hookagent.actions import function_call
from hookagent.actions.base import Call, Outside
from hookagent.actions.child import Ended
from hookagent.actions.ending import sort_ended
from hookagent.actions.program import (
    Program,
    command_line,
    identity,
    own_variables,
    place,
    run_program,
)
from hookagent.actions.values import Argument, Json, encode_json
from hookagent.event import Event
from hookagent.job import Again, Done, Outcome
from hookagent.redact import is_sensitive
from hookagent.template import Scope

about = "Call a Python function of your own, in a process of its own."
leaves = '`{"answer", "stderr"}`: what the function returned, and what it printed.'
example = """\
action = "python"
function = "handlers.orders:on_order"
arguments = { limit = "{{ limit | default(10) }}" }
"""

_FUNCTION = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$", re.ASCII)
turn = place


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Which function, and with what."""

    function: Annotated[
        str,
        msgspec.Meta(
            description="Module and function; the module is found from `cwd`.",
            examples=["handlers.orders:on_order"],
        ),
    ]
    arguments: Annotated[
        Json | None,
        msgspec.Meta(description="Named arguments beyond the event, a table."),
    ] = None
    cwd: Annotated[
        str,
        msgspec.Meta(description="Where it runs; relative to the project folder."),
    ] = ""
    python: Annotated[
        str,
        msgspec.Meta(description="Another interpreter than hookagent's own."),
    ] = ""
    env: Annotated[
        dict[str, Argument],
        msgspec.Meta(
            description="Variables for it; `${NAME}` passes one of ours on.",
        ),
    ] = {}

    def __post_init__(self) -> None:
        if not _FUNCTION.match(self.function):
            raise ValueError(f"`function` is written `module:function`, not `{self.function}`")


def starts(options: Mapping[str, Any]) -> str:
    """Return interpreter and function, with folder and variables; not the arguments."""
    words = [str(options.get("python") or "python"), str(options.get("function", ""))]
    return command_line(words, options)


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The function and all it gets."""

    function: str
    python: str
    cwd: str
    env: dict[str, str]
    event: dict[str, Any]
    arguments: Any


def prepare(options: Options, scope: Scope) -> Prepared:
    """Fill the arguments. Raises TemplateError."""
    env = {name: text.fill(scope) for name, text in options.env.items()}
    return Prepared(
        function=options.function,
        python=options.python or sys.executable,
        cwd=options.cwd,
        env=env | identity(scope.event),
        event=_event(scope.event) | {"steps": dict(scope.steps), **scope.facts},
        arguments={} if options.arguments is None else options.arguments.fill(scope),
    )


def _event(event: Event) -> dict[str, Any]:
    """Return an event as a function sees it: without the headers that hold secrets."""
    headers = [pair for pair in event.request.headers.items() if not is_sensitive(pair[0])]
    return {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "received_at": eventfile.format_time(event.received_at),
        "payload": event.payload,
        "body": event.request.body.decode("utf-8", "replace"),
        "headers": headers,
    }


@cache
def _caller() -> str:
    return Path(function_call.__file__).read_text("utf-8")


async def run(prepared: Prepared, call: Call, outside: Outside) -> Outcome:
    """Call it once, within the call's time."""
    event = {**prepared.event, "idempotency_key": call.idempotency_key, "attempt": call.attempt}
    program = Program(
        # As text, not as a file: its folder would shadow modules such as `email` and `http`.
        arguments=(prepared.python, "-c", _caller(), prepared.function),
        cwd=prepared.cwd,
        env=prepared.env | own_variables(call),
        stdin=encode_json({"event": event, "arguments": prepared.arguments}),
    )
    try:
        ended = await run_program(program, call, outside)
    except OSError as error:
        return Again(error=f"`{prepared.python}` cannot be started: {error.strerror or error}")
    return _sorted(ended, call)


def _sorted(ended: Ended, call: Call) -> Outcome:
    """Sort how it ended; stdout holds the answer and nothing else."""
    outcome = sort_ended(ended, call)
    if not isinstance(outcome, Done):
        return outcome
    try:
        answer = msgspec.json.decode(ended.stdout)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Again(error="the function's answer is lost: it is longer than is kept")
    return Done({"answer": answer, "stderr": ended.stderr.decode("utf-8", "replace")})
