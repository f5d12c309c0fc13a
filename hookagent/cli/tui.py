"""Whether the full-screen view can be shown, and showing it; without it there is the list.

Textual draws on anything, so the guard is ours: both ends a terminal that understands more than
lines, and nobody who reads by program.
"""

import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from hookagent.cli import output
from hookagent.errors import ExitCode

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.store.base import EventFilter

AGENTS = (
    "CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CURSOR_AGENT", "CODEX_SANDBOX", "CODEX_THREAD_ID",
    "CODEX_CI", "GEMINI_CLI", "OPENCODE", "CLINE_ACTIVE", "OPENCLAW_SHELL",
)  # fmt: skip
"""Variables that coding agents set: they read lines, not screens."""


def obstacle(environ: Mapping[str, str] = os.environ) -> str:
    """Say why there is no full-screen view here; empty where there can be one."""
    streams = (sys.stdin, sys.stdout, sys.stderr)  # Textual draws on stderr
    if not all(stream is not None and stream.isatty() for stream in streams):
        return "this is no terminal"
    if environ.get("TERM", "") in {"", "dumb"}:
        return "this terminal understands lines only"
    if any(environ.get(name) for name in (*AGENTS, "CI")):
        return "a program reads this"
    if find_spec("textual") is None:
        return "it needs the extra `tui`: pip install 'hookagent[tui]'"
    return ""


async def show(config: "Config", wanted: "EventFilter") -> ExitCode:
    """Show the full-screen view until it is left."""
    from hookagent.cli.storing import opened
    from hookagent.cli.tui_app import Workbench

    async with opened(config) as store:
        await Workbench(config, store, wanted).run_async()
    output.flush()
    return ExitCode.DONE
