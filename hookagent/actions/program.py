"""A program of the user's own, run for an event: `exec` and `python` share this.

The payload is a file of mode 0600 in the state folder, named by `HOOKAGENT_EVENT_FILE` and open on
stdin, gone afterwards. A few run at the same time and the others wait for a `place`, which uses
up none of their time.
"""

import asyncio
import errno
import os
import shlex
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookagent.actions.base import Call, Outside
from hookagent.actions.child import Command, Ended, clean_environment, run_child
from hookagent.event import Event

PARALLEL_MAX = 4
"""Programs at the same time (SECURITY 3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run."""

    arguments: tuple[str, ...]
    cwd: str = ""
    """From the project folder."""
    env: dict[str, str] = field(default_factory=dict)
    stdin: bytes = b""


def command_line(words: Iterable[str], options: Mapping[str, Any]) -> str:
    """Write what would be started as one line: folder, variables, words, each quoted."""
    folder = f"cd {shlex.quote(str(options['cwd']))} && " if options.get("cwd") else ""
    variables = [f"{name}={value}" for name, value in sorted(dict(options.get("env", {})).items())]
    return folder + shlex.join([*variables, *words])


def identity(event: Event) -> dict[str, str]:
    """Return the variables that name an event to a program."""
    return {
        "HOOKAGENT_EVENT_ID": event.id,
        "HOOKAGENT_SOURCE": event.source,
        "HOOKAGENT_TYPE": event.type.replace("\0", ""),
        "HOOKAGENT_EVENT": f"{event.source}/{event.type}".replace("\0", ""),
    }


def own_variables(call: Call) -> dict[str, str]:
    """Return the variables that tell a program which try this is, and of which trace."""
    found = {"HOOKAGENT_IDEMPOTENCY_KEY": call.idempotency_key}
    if call.traceparent:
        found["TRACEPARENT"] = call.traceparent
    return found


class _Places:
    """How many programs may run at the same time."""

    def __init__(self) -> None:
        self.free = asyncio.Semaphore(PARALLEL_MAX)

    async def close(self) -> None:
        """Nothing to let go of: a program ends with the step that runs it."""


async def _places() -> _Places:
    return _Places()


@asynccontextmanager
async def place(outside: Outside) -> AsyncIterator[None]:
    """Wait for a place among the programs that run, and hold it for as long as the block lasts."""
    places = await outside.share("programs", _places)
    async with places.free:
        yield


async def run_program(program: Program, call: Call, outside: Outside) -> Ended:
    """Run a program to its end, in a place. Raises OSError where it cannot be started."""
    folder = await asyncio.to_thread(_write_payload, outside.state, program.stdin)
    try:
        return await _run(program, call, outside, folder / PAYLOAD)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, True)  # noqa: FBT003 - ignore_errors


PAYLOAD = "payload"


async def _run(program: Program, call: Call, outside: Outside, payload: Path) -> Ended:
    folder = outside.folder / program.cwd
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"there is no folder `{program.cwd}`")
    environment = clean_environment(
        os.environ, {**program.env, "HOOKAGENT_EVENT_FILE": str(payload)},
    )  # fmt: skip
    command = Command(
        arguments=(_found(program.arguments[0], folder, environment), *program.arguments[1:]),
        environment=environment,
        folder=folder,
        stdin=payload,
    )
    return await run_child(command, timeout_seconds=call.timeout_ms / 1000)


def _found(name: str, folder: Path, environment: dict[str, str]) -> str:
    """Return the program's path: as written, from the project folder, or on PATH."""
    if os.sep in name:
        return str(folder / name)
    found = shutil.which(name, path=environment.get("PATH", os.defpath))
    if found is None:
        raise FileNotFoundError(name)
    return found


def _write_payload(state: Path, payload: bytes) -> Path:
    """Write the payload where only we can read it; return the folder it is in."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="exec-", dir=state))
    descriptor = os.open(folder / PAYLOAD, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(payload)
    return folder
