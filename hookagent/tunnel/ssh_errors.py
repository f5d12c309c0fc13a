"""What went wrong with an ssh connection, as a sentence with what to do."""

from hookagent.tunnel.base import Down
from hookagent.tunnel.ssh_hosts import Destination

FINGERPRINT_SECONDS = 5.0
MESSAGE_LENGTH_MAX = 200


async def explain(error: Exception, destination: Destination) -> Down:
    """Turn an error of asyncssh or of the network into a `Down`."""
    import asyncssh

    where = destination.shown
    match error:
        case asyncssh.HostKeyNotVerifiable():
            return await _unknown_key(destination)
        case asyncssh.PermissionDenied():
            return Down(
                code="bad-login",
                message=f"`{where}` does not let us in",
                hint="set `key_file`, or load the key with ssh-add; try: ssh " + destination.host,
            )
        case asyncssh.KeyImportError() | asyncssh.KeyEncryptionError():
            return Down(
                code="bad-key",
                message="the private key cannot be read, or has a passphrase",
                hint="load it into the ssh agent with ssh-add, and leave `key_file` out",
            )
        case asyncssh.ChannelListenError():
            return Down(
                code="port-refused",
                message=f"`{where}` does not forward port {destination.remote_port}",
                hint="another connection may still hold the port, or sshd_config there needs "
                "`AllowTcpForwarding remote` and, for an address of its own, `GatewayPorts`",
                retryable=True,
            )
        case TimeoutError():
            return Down(
                code="start-timeout",
                message=f"`{where}` did not answer in time",
                hint="check the network; some let only port 443 through, which `pinggy` uses",
                retryable=True,
            )
        case _:
            said = " ".join(str(error).split())[:MESSAGE_LENGTH_MAX]
            return Down(
                code="no-network",
                message=f"the connection to `{where}` failed: {said}",
                hint="check the network and the server's name",
                retryable=True,
            )


async def _unknown_key(destination: Destination) -> Down:
    """Say which key the server shows, so that a person can compare it."""
    import asyncio

    import asyncssh

    port = destination.port or 22
    scan = f"ssh-keyscan -p {port} {destination.host} >> ~/.ssh/known_hosts"
    try:
        async with asyncio.timeout(FINGERPRINT_SECONDS):
            key = await asyncssh.get_server_host_key(destination.host, port, config=None)
    except (asyncssh.Error, OSError):
        key = None
    shown = f" ({key.get_algorithm()}, {key.get_fingerprint()})" if key else ""
    return Down(
        code="unknown-host-key",
        message=f"the key of `{destination.shown}` is not known here{shown}",
        hint=f"compare it with what the server's owner publishes, then: {scan}",
    )
