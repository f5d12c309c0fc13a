"""Tells when rule files change, and wakes for little else.

A watched folder wakes its watcher at every write beneath it. The store writes its log all the time,
and mostly in the folder above the rules: watching that one cost more than a tenth of the accept
rate. So each folder of rules is watched by itself, without what is beneath it, and one that does
not exist yet is looked for now and then.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

QUIET_MS = 150
"""Editors write a file in several steps; a reload waits until they are done."""
LOOK_MS = 2_000
"""How often a folder that did not exist is looked for."""


def watched_folders(rules: Sequence[Path], beside: Path) -> frozenset[Path]:
    """Return the folders to watch: of the rules, with all beneath them, and one more file's."""
    found = {beside.parent}
    for place in rules:
        if place.is_dir():
            found |= {place, *(below for below in place.rglob("*") if below.is_dir())}
        elif place.is_file():
            found.add(place.parent)
    return frozenset(folder for folder in found if folder.is_dir())


async def rule_changes(rules: Sequence[Path], beside: Path) -> AsyncIterator[None]:
    """Yield after each change of a rule file or of the file `beside`, without end.

    `rules` are files and folders; those that are not there yet count once they are.
    """
    from watchfiles import awatch

    present = watched_folders(rules, beside)
    while True:
        folders = present
        if not folders:
            await asyncio.sleep(LOOK_MS / 1000)
        else:
            async for changes in awatch(
                *folders,
                debounce=QUIET_MS,
                step=QUIET_MS // 3,
                recursive=False,
                rust_timeout=LOOK_MS,
                yield_on_timeout=True,
            ):
                if any(path.endswith((".toml", beside.name)) for _, path in changes):
                    yield
                present = watched_folders(rules, beside)
                if present != folders:
                    break
        present = watched_folders(rules, beside)
        if present - folders:
            yield  # what is in a new folder was there before anybody watched it
