"""Which targets the running agent leaves alone for a while, told to other processes by a file.

A breaker is a matter of this process and this minute, so it is in no store; `hookagent stats` reads
it here while the agent runs.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

FILE = "targets.json"
EVERY_S = 1.0
"""How often the states are looked at; written only when they changed."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One target that failed lately."""

    target: str
    """Scheme, host and port."""
    state: str
    """`closed`, `open` or `half-open`."""
    failures: int
    """In a row."""
    until: int
    """When it is tried again, Unix milliseconds; 0 while it is closed."""


def targets_of(states: Mapping[str, object]) -> list[Target]:
    """Return the breakers' states as others are told."""
    return [
        Target(
            target=name,
            state=str(getattr(circuit, "state", "")),
            failures=int(getattr(circuit, "failures", 0)),
            until=int(getattr(circuit, "until", 0)),
        )
        for name, circuit in sorted(states.items())
    ]


async def tell(state_folder: Path, states: Callable[[], Mapping[str, object]]) -> None:
    """Keep the file up to date until cancelled, then remove it."""
    path = state_folder / FILE
    told: list[Target] = []
    try:
        while True:
            now = targets_of(states())
            if now != told and await asyncio.to_thread(_write, path, now):
                told = now
            await asyncio.sleep(EVERY_S)
    finally:
        path.unlink(missing_ok=True)


def told(state_folder: Path) -> list[Target]:
    """Return what the running agent last said, nothing where none runs."""
    try:
        return msgspec.json.decode((state_folder / FILE).read_bytes(), type=list[Target])
    except (OSError, msgspec.DecodeError):
        return []


def _write(path: Path, targets: list[Target]) -> bool:
    """Write the file whole or not at all; a full disk is told of elsewhere."""
    fresh = path.with_suffix(".new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
            file.write(msgspec.json.encode(targets))
        fresh.replace(path)
    except OSError:
        return False
    return True
