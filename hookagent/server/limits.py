"""What one listener allows a stranger, and whose word on the sender's address it believes."""

from ipaddress import ip_address

from hookagent.config.model import Network, Server
from hookagent.event import Headers


class Limits:
    """The configured bounds in the listener's own units."""

    def __init__(self, server: Server, *, behind_tunnel: bool) -> None:
        self.connections = server.max_connections
        self.bodies = server.max_bodies
        self.read_s = server.read_timeout_ms / 1000
        self.idle_s = server.keepalive_ms / 1000
        self.trusted: tuple[Network, ...] = server.trusted_proxies
        self.behind_tunnel = behind_tunnel

    def client_ip(self, peer: str, headers: Headers) -> str:
        """Return the sender's address as far as it can be believed, else nothing.

        The last hop of `X-Forwarded-For` is believed from a trusted proxy, and from loopback
        while our own tunnel is what reaches us; behind a tunnel without it nobody knows.
        """
        if not peer or not (self.behind_tunnel or self.trusted):
            return peer
        address = ip_address(peer)
        from_tunnel = self.behind_tunnel and address.is_loopback
        if not from_tunnel and not any(address in network for network in self.trusted):
            return peer
        hops = b",".join(headers.all("x-forwarded-for")).decode("latin-1").split(",")
        try:
            return str(ip_address(hops[-1].strip()))
        except ValueError:
            return ""
