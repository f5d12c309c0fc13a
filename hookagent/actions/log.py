"""`log`: say one line, and keep it as the step's output."""

from typing import Annotated, Literal

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.values import Text
from hookagent.job import Done, Outcome
from hookagent.template import Scope, terminal_safe

is_instant = True
about = "Say one line, in the terminal and in the step's output."
leaves = '`{"text", "level"}`: the line.'
example = """\
action = "log"
text = "{{ itemId }} is low: {{ currentStock }} left"
"""

LINE_LENGTH_MAX = 8192
_NAMES_THE_EVENT = Text.parse("{{ @source }} {{ @type | default('event') }} {{ @id }}")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to say."""

    text: Annotated[
        Text | None,
        msgspec.Meta(
            description="The line; left out, it names the event.",
            examples=["{{ itemId }} is low: {{ currentStock }} left"],
        ),
    ] = None
    level: Annotated[
        Literal["info", "warning", "error"],
        msgspec.Meta(description="How grave it is; goes before the line."),
    ] = "info"


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The line as it will be said."""

    text: str
    level: str


def prepare(options: Options, scope: Scope) -> Prepared:
    """Fill the line. Raises TemplateError."""
    text = options.text or _NAMES_THE_EVENT
    return Prepared(text=text.fill(scope)[:LINE_LENGTH_MAX], level=options.level)


async def run(prepared: Prepared, _call: Call, outside: Outside) -> Outcome:
    """Say it."""
    outside.say(terminal_safe(f"{prepared.level}: {prepared.text}"))
    return Done({"text": prepared.text, "level": prepared.level})
