"""What cloudflared's log says of an address and of failures. Pure.

Lines look like `2026-01-31T12:00:00Z INF Starting metrics server on 127.0.0.1:43727/metrics`. A
refused quick tunnel shows as a JSON error of the client; the reason stands one line above it.
"""

import re

from hookagent.tunnel.base import Down, Level, Log

METRICS = re.compile(r"metrics server on ((?:127\.0\.0\.1|\[::1\]|localhost):\d+)/metrics")
QUICK_URL = re.compile(r"https://(?!api\.)[a-z0-9-]+\.trycloudflare\.com\b")
LINE = re.compile(r"^\S+Z\s+(DBG|INF|WRN|ERR|FTL)\s+(.*)$")
LEVELS = {"WRN": Level.WARNING, "ERR": Level.ERROR, "FTL": Level.ERROR}
MESSAGE_LENGTH_MAX = 200

OTHER_TUNNEL = "use another tunnel meanwhile (`--tunnel ngrok`, `--tunnel ssh`)"

REASONS: tuple[tuple[re.Pattern[str], Down], ...] = (
    (
        re.compile(r"error code: 1015|429 Too Many Requests|status_code=\"429"),
        Down(
            code="rate-limited",
            message="Cloudflare gives this network no more quick tunnels for now (`1015`)",
            hint=f"wait some minutes, since asking again prolongs it; {OTHER_TUNNEL}",
            retryable=True,
        ),
    ),
    (
        re.compile(r"error code: 1101|status_code=\"5\d\d|5\d\d (Internal|Bad|Service|Gateway)"),
        Down(
            code="provider-failed",
            message="Cloudflare's quick tunnel service does not work at the moment",
            hint=f"see https://www.cloudflarestatus.com; {OTHER_TUNNEL}",
            retryable=True,
        ),
    ),
    (
        re.compile(r"status_code=\"403|403 Forbidden"),
        Down(
            code="refused",
            message="the request for a quick tunnel was refused (`403`)",
            hint="a proxy of this network may forbid it",
        ),
    ),
    (
        re.compile(r"(?i)invalid tunnel secret|unauthorized|provided tunnel token is not valid"),
        Down(
            code="bad-token",
            message="Cloudflare does not accept the tunnel's token",
            hint="copy it again from the tunnel's page at https://one.dash.cloudflare.com",
        ),
    ),
    (
        re.compile(r"no such host|network is unreachable|dial tcp|i/o timeout|connection refused"),
        Down(
            code="no-network",
            message="cloudflared cannot reach Cloudflare",
            hint="check the network; port 7844 (TCP and UDP) must be open to the outside",
            retryable=True,
        ),
    ),
    (
        re.compile(r"failed to unmarshal quick Tunnel"),
        Down(
            code="provider-failed",
            message="Cloudflare answered the request for a quick tunnel with something else",
            hint=OTHER_TUNNEL,
            retryable=True,
        ),
    ),
)
"""The first that matches is the reason."""


def metrics_address(line: str) -> str:
    """Return `HOST:PORT` of the agent's own interface where a line names it, else nothing."""
    found = METRICS.search(line)
    return found[1] if found else ""


def quick_url(line: str) -> str:
    """Return the public URL where a line shows it, else nothing."""
    found = QUICK_URL.search(line)
    return found[0] if found else ""


def reason(lines: list[str]) -> Down:
    """Explain why an agent that wrote these lines has ended."""
    text = "\n".join(lines)
    for pattern, down in REASONS:
        if pattern.search(text):
            return down
    last = next((line for line in reversed(lines) if line.strip()), "")
    said = f": {last.strip()[:MESSAGE_LENGTH_MAX]}" if last else ""
    return Down(code="agent-died", message=f"cloudflared ended{said}", retryable=True)


def as_log(line: str) -> Log | None:
    """Keep a line that warns; the rest is chatter."""
    found = LINE.match(line)
    level = LEVELS.get(found[1]) if found else None
    return Log(level=level, line=line) if level else None
