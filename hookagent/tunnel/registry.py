"""Every tunnel by its name.

Adding one is one file and one line here. The modules are cheap to import; what is heavy (aiohttp,
pyngrok, asyncssh) is imported when a tunnel is started.
"""

from collections.abc import Callable

from hookagent.errors import NotFound
from hookagent.tunnel.auto import AutoTunnel
from hookagent.tunnel.base import Tunnel, TunnelOptions
from hookagent.tunnel.cloudflared import CloudflaredTunnel
from hookagent.tunnel.command import CommandTunnel
from hookagent.tunnel.ngrok import NgrokTunnel
from hookagent.tunnel.smee import gosmee, smee
from hookagent.tunnel.ssh import SshTunnel
from hookagent.tunnel.svix import SvixTunnel

TUNNELS: dict[str, Callable[[TunnelOptions], Tunnel]] = {
    "ngrok": NgrokTunnel,
    "cloudflared": CloudflaredTunnel,
    "ssh": SshTunnel,
    "command": CommandTunnel,
    "smee": smee,
    "gosmee": gosmee,
    "svix": SvixTunnel,
    "auto": AutoTunnel,
}


def make(name: str, options: TunnelOptions) -> Tunnel:
    """Make a tunnel that has not been started. Raises NotFound for an unknown name."""
    if name not in TUNNELS:
        raise NotFound.among("tunnel", name, TUNNELS)
    return TUNNELS[name](options)
