"""`--tunnel auto`: takes what is here, and says how to get the rest. Fetches nothing.

Only tunnels that lead to the whole listener and keep every byte are taken without being named; a
relay goes through a third party's hands and is a person's choice.
"""

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

from hookagent.tunnel.base import Down, Kind, Readiness, Tunnel, TunnelEvent, TunnelOptions
from hookagent.tunnel.cloudflared import CloudflaredTunnel
from hookagent.tunnel.ngrok import NgrokTunnel
from hookagent.tunnel.ssh import SshTunnel

PREFERRED: dict[str, Callable[[TunnelOptions], Tunnel]] = {
    "ngrok": NgrokTunnel,
    "cloudflared": CloudflaredTunnel,
    "ssh": SshTunnel,
}
"""ngrok's address stays the same; cloudflared needs no account; ssh needs no program."""


class AutoTunnel:
    """The first of the preferred tunnels that could be started here."""

    name = "auto"
    kind = Kind.EXPOSE
    preserves_bytes = True
    stable_url = False

    def __init__(self, options: TunnelOptions) -> None:
        self._options = options
        self._chosen: Tunnel | None = None

    async def check(self) -> Readiness:
        """Look for each in turn; when none is here, say how to get every one."""
        missing = []
        for name, kind in PREFERRED.items():
            tunnel = kind(only_for(name, self._options))
            readiness = await tunnel.check()
            if readiness.ready:
                self._chosen = tunnel
                return readiness
            missing.append(f"{name}: {readiness.detail}; {readiness.hint}")
        return Readiness(
            ready=False,
            code="no-tunnel",
            detail="no tunnel can be started here",
            hint="\n      ".join(missing),
        )

    async def start(self, local_url: str) -> AsyncGenerator[TunnelEvent, None]:
        """Start the one that is here."""
        readiness = await self.check()
        if self._chosen is None:
            yield Down(code=readiness.code, message=readiness.detail, hint=readiness.hint)
            return
        async for event in self._chosen.start(local_url):
            yield event

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """End it."""
        if self._chosen is not None:
            await self._chosen.stop(grace_seconds)


def only_for(name: str, options: TunnelOptions) -> TunnelOptions:
    """Return the options for one tunnel, without what was said about another provider's account.

    A token, domain or program that stands beside `auto` is ngrok's.
    """
    if options.provider == name or (options.provider == "auto" and name == "ngrok"):
        return replace(options, provider=name)
    return replace(options, provider=name, domain="", authtoken="", binary="", channel="")
