"""The channel of a relay, kept from one start to the next, so that its address stays the same."""

import os
from pathlib import Path

PRIVATE_FILE = 0o600
LENGTH_MAX = 2048


def recall(state_folder: Path | None, relay: str) -> str:
    """Return the channel used last time; empty where there is none."""
    if state_folder is None:
        return ""
    try:
        return _file(state_folder, relay).read_text(encoding="utf-8")[:LENGTH_MAX].strip()
    except (OSError, UnicodeDecodeError):
        return ""


def remember(state_folder: Path | None, relay: str, channel: str) -> None:
    """Keep a channel for the next start; whoever knows it can read along, so it is private."""
    if state_folder is None:
        return
    state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = _file(state_folder, relay)
    draft = target.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(channel + "\n")
    draft.replace(target)


def _file(state_folder: Path, relay: str) -> Path:
    return state_folder / f"tunnel-{relay}.channel"
