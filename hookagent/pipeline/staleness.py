"""Says when the configuration on disk is no longer the one in force.

Rules are read again while the agent runs; `hookagent.toml` and `.env` are not: sockets, store and
tunnel hang on them. Whoever has rotated a secret must not be left to believe that it is in use.
"""

import asyncio
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from hookagent.config import dotenv
from hookagent.config.load import ENV_FILE
from hookagent.pipeline.feed import Feed, Trouble

EVERY_S = 3.0
"""How often the files are looked at."""
NAMED_MAX = 6
"""Of more changes than this the rest are counted."""

Parts = Mapping[str, bytes]
"""What the files say, by the name of its place; secrets are in it, so only digests are kept."""


def parts_of(toml: str, env: str) -> Parts:
    """Split a configuration into what can change by itself. Raises TOMLDecodeError."""
    found: dict[str, Any] = {}
    for name, value in tomllib.loads(toml).items():
        if isinstance(value, dict) and name == "sources":
            found |= {f"[sources.{inner}]": table for inner, table in value.items()}
        elif isinstance(value, dict):
            found[f"[{name}]"] = value
        else:
            found[f"[[{name}]]" if isinstance(value, list) else f"`{name}`"] = value
    found |= {f"`{name}` in .env": value for name, value in dotenv.parse(env, ENV_FILE)[0].items()}
    return {name: sha256(repr(value).encode()).digest() for name, value in found.items()}


def changed(before: Parts, now: Parts) -> list[str]:
    """Return the names of what is new, gone or different."""
    return [name for name in {**before, **now} if before.get(name) != now.get(name)]


class Staleness:
    """Compares the files with what they were when the agent started."""

    def __init__(self, file: Path, feed: Feed, clock: Callable[[], int]) -> None:
        self._files = (file, file.with_name(ENV_FILE))
        self._feed = feed
        self._clock = clock
        self._seen = self._texts()
        self._in_force: Parts = {}
        with suppress(tomllib.TOMLDecodeError):  # edited since it was read: all of it will be new
            self._in_force = parts_of(*self._seen)

    async def run(self) -> None:
        """Say each change once, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Say what is different now, where it was not said yet."""
        seen = await asyncio.to_thread(self._texts)
        if seen == self._seen:
            return
        self._seen = seen
        file = self._files[0].name
        try:
            names = changed(self._in_force, parts_of(*seen))
        except tomllib.TOMLDecodeError as error:
            self._say(f"`{file}` was changed and cannot be read: {error}", _MEND)
            return
        if names:
            more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
            named = ", ".join(names[:NAMED_MAX]) + more
            self._say(f"not in force yet: {named}; only rules are read again", _RESTART)

    def _say(self, message: str, hint: str) -> None:
        self._feed.publish(Trouble(at=self._clock(), part="config", message=message, hint=hint))

    def _texts(self) -> tuple[str, str]:
        """Read both files; one that is not there, or cannot be read, is empty."""
        toml, env = (_text(file) for file in self._files)
        return toml, env


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return ""


_RESTART = "check it with `hookagent doctor`, then restart; nothing that was acknowledged is lost"
_MEND = "what was read at the start stays in force; mend it before the next start"
