"""`exec`: run a program of the user's own; the payload on its stdin, never a shell."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import PurePath
from typing import Annotated, Any

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.ending import sort_ended
from hookagent.actions.program import (
    Program,
    command_line,
    identity,
    own_variables,
    place,
    run_program,
)
from hookagent.actions.values import ARGUMENT_BYTES_MAX, Argument
from hookagent.job import Again, Never, Outcome
from hookagent.template import Scope, TemplateError

about = "Run a program: arguments from the event, the payload on stdin, no shell."
leaves = '`{"exit_code", "stdout", "stderr"}`, and `json` where stdout is JSON; at most 1 MiB each.'
example = """\
action = "exec"
command = ["./deploy.sh", "--", "{{ repository.name }}"]
env = { STAGE = "test", API_TOKEN = "${API_TOKEN}" }
"""

_SHELLS = frozenset(
    {"sh", "bash", "dash", "zsh", "ksh", "fish", "ash", "csh", "tcsh", "cmd", "powershell", "pwsh"},
)
_BATCH = (".bat", ".cmd")
"""Windows parses their arguments a second time (SECURITY R6)."""
turn = place


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to run, and with what."""

    command: Annotated[
        list[Argument],
        msgspec.Meta(
            description=(
                "Program and arguments, each its own item. The program is literal; the other "
                "items may be templates."
            ),
            examples=[["./deploy.sh", "--", "{{ repository.name }}"]],
        ),
    ]
    cwd: Annotated[
        str,
        msgspec.Meta(description="Where it runs; relative to the project folder."),
    ] = ""
    env: Annotated[
        dict[str, Argument],
        msgspec.Meta(
            description=(
                "Variables for the program beyond the event's own; values may be templates, and "
                "`${NAME}` passes one of ours on."
            ),
        ),
    ] = {}
    allow_dash: Annotated[
        bool,
        msgspec.Meta(
            description=(
                "Whether an inserted value may begin an argument with `-` or `@`, which programs "
                "read as an option or a file. After a literal `--` it may anyway."
            ),
        ),
    ] = False

    def __post_init__(self) -> None:
        if not self.command or not self.command[0].source.strip():
            raise ValueError("`command` must name a program")
        if not self.command[0].is_literal:
            raise ValueError("the program must be literal; only its arguments may be templates")
        _refuse_second_parsing(self.command)
        for name in self.env:
            if not name or "=" in name or "\0" in name or name.startswith("HOOKAGENT_"):
                raise ValueError(f"`{name}` cannot be the name of a variable here")


def _refuse_second_parsing(command: list[Argument]) -> None:
    """Refuse what would read an argument as code once more (SECURITY R3, R6)."""
    name = PurePath(command[0].source.replace("\\", "/")).name.lower().removesuffix(".exe")
    templated = [item for item in command[1:] if not item.is_literal]
    if templated and name.endswith(_BATCH):
        raise ValueError("a batch file reads its arguments as code; they must be literal")
    if name not in _SHELLS:
        return
    for before, item in pairwise(command):
        flag = before.source.lower()
        is_code = flag in {"/c", "/k", "-command"} or (flag[:1] == "-" and "c" in flag[1:])
        if is_code and not item.is_literal:
            raise ValueError(
                f"`{name}` would read the template as code; pass it as a further argument "
                'and use "$1" in the script',
            )


def starts(options: Mapping[str, Any]) -> str:
    """Return the command line as the rule has it, with folder and variables, as one would type it.

    The arguments belong to it: what an interpreter starts is in them.
    """
    words = [str(item) for item in options.get("command", ())]
    return command_line(words, options)


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The command line, its variables, and what is on its stdin."""

    command: tuple[str, ...]
    cwd: str
    env: dict[str, str]
    stdin: bytes


def prepare(options: Options, scope: Scope) -> Prepared:
    """Fill the arguments. Raises TemplateError, also for one that would read as an option."""
    command: list[str] = []
    for item in options.command:
        text = item.fill(scope)
        is_free = options.allow_dash or "--" in command
        if not is_free and item.is_taken_for_option(text):
            raise TemplateError(
                f"the argument `{item.source}` would begin with `{text[0]}`",
                hint='put a literal "--" before it, or set `allow_dash = true`',
            )
        command.append(text)
    env = {name: text.fill(scope) for name, text in options.env.items()}
    for name, value in env.items():
        if len(name) + 1 + len(value.encode("utf-8", "replace")) > ARGUMENT_BYTES_MAX:
            raise TemplateError(f"the variable `{name}` is too long")
    return Prepared(
        command=tuple(command),
        cwd=options.cwd,
        env=env | identity(scope.event),
        stdin=scope.event.request.body,
    )


async def run(prepared: Prepared, call: Call, outside: Outside) -> Outcome:
    """Run it once, within the call's time."""
    program = Program(
        arguments=prepared.command,
        cwd=prepared.cwd,
        env=prepared.env | own_variables(call),
        stdin=prepared.stdin,
    )
    try:
        ended = await run_program(program, call, outside)
    except FileNotFoundError:
        hint = "write its whole path, or a path from the folder it runs in, such as `./deploy.sh`"
        return Never(error=f"there is no program `{prepared.command[0]}`; {hint}")
    except PermissionError:
        return Never(error=f"`{prepared.command[0]}` cannot be run: permission denied")
    except OSError as error:
        return Again(error=f"`{prepared.command[0]}` cannot be started: {error.strerror or error}")
    return sort_ended(ended, call)
