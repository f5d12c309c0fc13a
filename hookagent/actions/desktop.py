"""`desktop`: a notification on this machine's screen, by the system's own program."""

import os
import sys
from typing import Annotated, Literal

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.posting import cut
from hookagent.actions.program import Program, place, run_program
from hookagent.actions.values import Text
from hookagent.job import Again, Done, Never, Outcome
from hookagent.template import Scope, terminal_safe

about = "Show a notification on this machine's screen."
leaves = '`{"title"}`.'
example = """\
action = "desktop"
title = "Build {{ status }}"
text = "{{ branch }}: {{ message }}"
"""

TEXT_LENGTH_MAX = 1000
_SESSION = ("DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
"""What a notification daemon is found by."""
_SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)
turn = place


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to show."""

    text: Annotated[Text, msgspec.Meta(description="The notification's text.")]
    title: Annotated[
        Text | None,
        msgspec.Meta(description="Its heading; left out, source and type of the event."),
    ] = None
    urgency: Annotated[
        Literal["low", "normal", "critical"],
        msgspec.Meta(description="How pressing it is, where the system knows such."),
    ] = "normal"


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What will be shown."""

    title: str
    text: str
    urgency: str


def prepare(options: Options, scope: Scope) -> Prepared:
    """Fill the notification. Raises TemplateError."""
    event = scope.event
    title = options.title.fill(scope) if options.title else f"{event.source} {event.type}".strip()
    return Prepared(
        title=cut(terminal_safe(title), TEXT_LENGTH_MAX),
        text=cut(terminal_safe(options.text.fill(scope)), TEXT_LENGTH_MAX),
        urgency=options.urgency,
    )


def command(prepared: Prepared, platform: str) -> tuple[str, ...]:
    """Return the command line for a platform; values never read as options."""
    if platform == "darwin":
        lines = tuple(part for line in _SCRIPT for part in ("-e", line))
        return ("osascript", *lines, "--", prepared.title, prepared.text)
    text = prepared.text.replace("&", "&amp;").replace("<", "&lt;")  # the body is read as markup
    urgency = f"--urgency={prepared.urgency}"
    return ("notify-send", "--app-name=hookagent", urgency, "--", prepared.title, text)


async def run(prepared: Prepared, call: Call, outside: Outside) -> Outcome:
    """Show it once."""
    session = {name: os.environ[name] for name in _SESSION if name in os.environ}
    program = Program(arguments=command(prepared, sys.platform), env=session)
    try:
        ended = await run_program(program, call, outside)
    except FileNotFoundError:
        return Never(error=f"`{program.arguments[0]}` is not installed (package libnotify-bin)")
    except OSError as error:
        return Again(error=f"cannot be shown: {error.strerror or error}")
    if ended.exit_code != 0 or ended.timed_out:
        reason = ended.stderr.decode("utf-8", "replace").strip()[:200]
        return Again(error=f"cannot be shown: {reason or f'exit code {ended.exit_code}'}")
    return Done({"title": prepared.title})
