"""Where an ssh tunnel goes, and how that server tells the public URL. Pure.

Three kinds of server: one of the user's own, which only forwards a port; localhost.run, which
writes JSON lines into the session; pinggy, which answers on a port inside the connection.
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum

from hookagent.tunnel.base import Readiness, TunnelOptions

OWN_PORT_HTTP = 80
LOCALHOST_RUN_URL = re.compile(r"https://[a-z0-9-]+\.(?:lhr\.(?:life|rocks|pro)|localhost\.run)\b")
PINGGY_URL = re.compile(r"https://[a-z0-9.-]+\.pinggy(?:-free)?\.(?:link|online|io)\b")
PINGGY_FREE_SECONDS = 3600
"""A free tunnel ends after an hour (https://pinggy.io/docs/)."""
DESTINATION = re.compile(
    r"^(?:(?P<user>[^@\s]+)@)?(?P<host>\[[0-9a-fA-F:]+\]|[^:@\s]+)(?::(?P<port>\d{1,5}))?$"
)
PORT_MAX = 65_535


class Service(StrEnum):
    """Who runs the server, as far as it matters for finding the public URL."""

    OWN = "own"
    LOCALHOST_RUN = "localhost.run"
    PINGGY = "pinggy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A server to connect to, and what to ask it for."""

    service: Service
    host: str
    port: int | None
    """None: as the user's ssh configuration says, else 22."""
    user: str | None
    """None: as the user's ssh configuration says, else the user's name here."""
    bind: str
    """The address to listen on at the server; empty for every one."""
    remote_port: int
    """The port to listen on at the server; 0 for any."""

    @property
    def shown(self) -> str:
        """For messages; a user name can be a token, so it is left out."""
        return self.host if self.port is None else f"{self.host}:{self.port}"


def read_destination(options: TunnelOptions) -> Destination | Readiness:
    """Return the server the options mean, or what is wrong with them."""
    name = options.host or Service.LOCALHOST_RUN
    if name == Service.PINGGY:
        return Destination(
            service=Service.PINGGY,
            host="a.pinggy.io",
            port=443,
            user=options.authtoken or "free",
            bind="",
            remote_port=0,
        )
    found = DESTINATION.match(name)
    port = int(found["port"]) if found and found["port"] else None
    if found is None or (port is not None and not 0 < port <= PORT_MAX):
        return Readiness(
            ready=False,
            code="bad-host",
            detail=f"`{name}` is not a server",
            hint="write `[USER@]HOST[:PORT]`, `localhost.run` or `pinggy`",
        )
    host = found["host"].strip("[]")
    if host == Service.LOCALHOST_RUN:
        return Destination(
            service=Service.LOCALHOST_RUN,
            host=host,
            port=port,
            user=found["user"] or "nokey",
            bind="",
            remote_port=OWN_PORT_HTTP,
        )
    return _own(options, host, port, found["user"])


def _own(
    options: TunnelOptions, host: str, port: int | None, user: str | None
) -> Destination | Readiness:
    if options.domain and not options.remote_port:
        return Readiness(
            ready=False,
            code="no-remote-port",
            detail=f"`{options.domain}` needs a fixed port at `{host}` to lead to",
            hint="set `remote_port` to the port that the web server there passes requests to",
        )
    return Destination(
        service=Service.OWN,
        host=host,
        port=port,
        user=user,
        bind="localhost" if options.domain else "",
        remote_port=options.remote_port,
    )


def own_url(destination: Destination, domain: str, listen_port: int) -> str:
    """Return the public URL of a server of one's own."""
    if domain:
        return f"https://{domain}"
    host = f"[{destination.host}]" if ":" in destination.host else destination.host
    return f"http://{host}:{listen_port}"


def url_in_line(service: Service, line: str) -> str:
    """Return the public URL a line of the session names; empty where it names none."""
    if service is Service.LOCALHOST_RUN:
        return _from_json(line) or _search(LOCALHOST_RUN_URL, line)
    if service is Service.PINGGY:
        return _search(PINGGY_URL, line)
    return ""


def url_in_answer(text: str) -> str:
    """Return the `https` URL of pinggy's `/urls` answer; empty where there is none."""
    try:
        urls = json.loads(text).get("urls", ())
    except (ValueError, AttributeError, RecursionError):
        return ""
    if not isinstance(urls, list):
        return ""
    return next((url for url in urls if isinstance(url, str) and url.startswith("https://")), "")


def _from_json(line: str) -> str:
    """Read localhost.run's `{"event":"tcpip-forward","address":"NAME.lhr.life"}`."""
    if not line.lstrip().startswith("{"):
        return ""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(said, dict) or said.get("event") != "tcpip-forward":
        return ""
    address = said.get("address")
    return f"https://{address}" if isinstance(address, str) and address else ""


def _search(pattern: re.Pattern[str], line: str) -> str:
    found = pattern.search(line)
    return found[0] if found else ""
