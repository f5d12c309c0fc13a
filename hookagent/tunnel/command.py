r"""Any program whose output names a public URL, such as `["bore", "local", "{port}", "--to", "…"]`.

The program gets the listener's address in place of `{url}`, `{host}` and `{port}`. The first match
of `url_pattern` in its output is the public URL; a later, different one is a change of address.
Without a pattern any `https://` URL will do, which is right for most and wrong for those that
print a link to their manual first.
"""

import re
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

from hookagent.tunnel.base import (
    Down,
    Kind,
    Level,
    Log,
    Readiness,
    Starting,
    TunnelEvent,
    TunnelOptions,
    Up,
    UrlChanged,
)
from hookagent.tunnel.program import Program, find_program

ANY_URL = r"https://[A-Za-z0-9.-]+\.[A-Za-z]{2,}(?::\d+)?(?:/[^\s\"'<>|]*)?"
LINE_SEARCHED_MAX = 4096
"""Characters of a line that are searched; the pattern is the user's, and may be slow."""
LAST_LINES = 3


class CommandTunnel:
    """One run of the configured program."""

    name = "command"
    kind = Kind.EXPOSE
    preserves_bytes = True
    stable_url = False

    def __init__(self, options: TunnelOptions) -> None:
        self._options = options
        self._program: Program | None = None
        self._url = ""
        self._last: list[str] = []

    async def check(self) -> Readiness:
        """Look for the program and try the pattern."""
        options = self._options
        if not options.command:
            return Readiness(
                ready=False,
                code="no-command",
                detail="`command` says no program",
                hint='such as: command = ["bore", "local", "{port}", "--to", "bore.example.com"]',
            )
        try:
            re.compile(options.url_pattern)
        except re.error as error:
            return Readiness(
                ready=False,
                code="bad-pattern",
                detail=f"`url_pattern` is not a regular expression: {error}",
                hint="write it in single quotes, where backslashes need no doubling",
            )
        name = options.command[0]
        where = name if "/" in name else ""
        found = find_program(name, where, options.environ)
        if found is None:
            return Readiness(
                ready=False,
                code="no-agent",
                detail=f"there is no program `{name}`",
                hint="install it, or write its whole path",
            )
        return Readiness(ready=True, detail=str(found))

    async def start(self, local_url: str) -> AsyncGenerator[TunnelEvent, None]:
        """Run the program and look for the URL in what it writes."""
        readiness = await self.check()
        if not readiness.ready:
            yield Down(code=readiness.code, message=readiness.detail, hint=readiness.hint)
            return
        yield Starting(detail=readiness.detail)
        command = filled(self._options.command, local_url)
        try:
            self._program = await Program.start(command, self._options.environ)
        except OSError as error:
            yield Down(code="no-agent", message=f"`{command[0]}` cannot be run: {error.strerror}")
            return
        async for line in self._program.lines():
            for event in self._read(line):
                yield event
        yield self._ended(await self._program.exit_code())

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """End the program's process group."""
        program, self._program = self._program, None
        if program is not None:
            await program.stop(grace_seconds)

    def _read(self, line: str) -> list[TunnelEvent]:
        if line.strip():
            self._last = [*self._last, line.strip()][-LAST_LINES:]
        log = Log(level=Level.DEBUG, line=line)
        url = find_url(line, self._options.url_pattern or ANY_URL)
        if not url or url == self._url:
            return [log]
        old, self._url = self._url, url
        if not old:
            return [log, Up(url=url)]
        if not self._options.url_pattern:
            return [log]  # any link counts as the first address, but not as a new one
        return [log, UrlChanged(old=old, new=url)]

    def _ended(self, code: int) -> Down:
        name = self._options.command[0]
        how = f"with exit code {code}" if code >= 0 else f"by signal {-code}"
        said = f": {' / '.join(self._last)[:300]}" if self._last else ""
        return Down(code="agent-died", message=f"`{name}` ended {how}{said}", retryable=True)


def filled(command: tuple[str, ...], local_url: str) -> list[str]:
    """Put the listener's address into a command."""
    parts = urlsplit(local_url)
    values = {"{url}": local_url, "{host}": parts.hostname or "", "{port}": str(parts.port or 80)}
    filled_in = []
    for argument in command:
        for name, value in values.items():
            argument = argument.replace(name, value)  # noqa: PLW2901 - built up step by step
        filled_in.append(argument)
    return filled_in


def find_url(line: str, pattern: str) -> str:
    """Return the URL a line names: group 1 of the pattern, or all of it; empty where none."""
    found = re.search(pattern, line[:LINE_SEARCHED_MAX])
    if found is None:
        return ""
    return str(found[1] if found.re.groups and found[1] else found[0]).rstrip("/.,")
