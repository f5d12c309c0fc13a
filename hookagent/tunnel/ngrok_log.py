"""What an agent's log lines mean for the tunnel. Pure.

Reconnects and refusals are visible in the log only: pyngrok calls an agent healthy for as long as
its process lives. Lines look like

    t=2026-01-31T12:00:00+0000 lvl=eror msg="session closed, starting reconnect loop" obj=csess
      id=431cd9d9 err="read EOF from remote peer"
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hookagent.tunnel.base import Down, Level, Log, Reconnecting, TunnelEvent, Up, UrlChanged
from hookagent.tunnel.ngrok_errors import explain, explain_code, one_line

SESSION_LOST = "session closed, starting reconnect loop"
STILL_LOST = "failed to reconnect session"
SESSION = "client session established"
ENDPOINT_STARTED = frozenset({"started tunnel", "started endpoint"})
LEVELS = {"WARNING": Level.WARNING, "ERROR": Level.ERROR, "CRITICAL": Level.ERROR}
LAST_WORDS = "ERROR:"
"""How the agent begins each line it prints as it gives up."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The endpoint is open."""

    url: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It could not be opened."""

    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the agent's log."""

    text: str
    level: str = ""
    message: str = ""
    error: str = ""
    url: str = ""


Said = Opened | Refused | Line


class Story:
    """Remembers what an agent said, and turns the next word into events."""

    def __init__(self) -> None:
        self.url = ""
        """The public URL, once there is one."""
        self.session_at: float | None = None
        """When the agent's session with ngrok was established, by the reader's clock."""
        self._lost = 0
        self._error = ""
        self._warned = ("", "")

    def read(self, said: Said, now: float) -> Sequence[TunnelEvent]:
        """Return what a word means; a `Down` among it is the last."""
        match said:
            case Opened(url=url):
                self.url = url
                return [Up(url=url)]
            case Refused(text=text):
                return [self._refusal(text)]
            case Line():
                return self._line(said, now)

    def died(self) -> Down:
        """Say that the agent's process has ended."""
        known = explain_code(self._error)
        if known is not None:
            return known
        reason = f": {one_line(self._error)}" if self._error else ""
        return Down(code="agent-died", message=f"the ngrok agent ended{reason}", retryable=True)

    def too_slow(self, seconds: float) -> Down:
        """Say that the agent was not ready in time, with the last thing it complained of."""
        if self._error:
            return explain(self._error)
        return Down(
            code="start-timeout",
            message=f"the ngrok agent was not ready within {seconds:g} s",
            hint="check the network; `ngrok diagnose` tests the way to ngrok's servers",
            retryable=True,
        )

    def _refusal(self, text: str) -> Down:
        return explain_code(text) or explain_code(self._error) or explain(self._error or text)

    def _line(self, line: Line, now: float) -> Sequence[TunnelEvent]:
        complaint = self._complaint(line)
        if complaint:
            self._error = complaint
            known = explain_code(complaint)
            if known is not None and not known.retryable:
                return [known]
        if line.message == SESSION_LOST or (line.message == STILL_LOST and self.url):
            self._lost += 1
            reason = one_line(line.error) or "the session with ngrok was closed"
            return [Reconnecting(reason=reason, attempt=self._lost)]
        if line.message == SESSION:
            return self._session(now)
        if line.message in ENDPOINT_STARTED:
            return self._moved(line.url.rstrip("/"))
        return self._warning(line)

    def _warning(self, line: Line) -> Sequence[TunnelEvent]:
        """Pass on a warning once, not every time the agent repeats it."""
        level = LEVELS.get(line.level)
        if level is None or self._warned == (line.message, line.error):
            return []
        self._warned = (line.message, line.error)
        return [Log(level=level, line=line.text)]

    @staticmethod
    def _complaint(line: Line) -> str:
        if line.text.startswith(LAST_WORDS):
            return line.text.removeprefix(LAST_WORDS).strip()
        return line.error if line.level in ("ERROR", "CRITICAL") else ""

    def _session(self, now: float) -> Sequence[TunnelEvent]:
        self.session_at = now
        self._error = ""
        if not (self._lost and self.url):
            return []
        self._lost = 0
        return [Up(url=self.url)]

    def _moved(self, url: str) -> Sequence[TunnelEvent]:
        if not (self.url and url) or url == self.url:
            return []
        old, self.url = self.url, url
        return [UrlChanged(old=old, new=url)]
