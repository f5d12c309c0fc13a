"""Adapter: ssh tunnels against an asyncssh server in this process, and against Debian's sshd."""

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import asyncssh
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hookagent.tunnel import ssh
from hookagent.tunnel.base import Down, Log, TunnelOptions, Up, UrlChanged
from hookagent.tunnel.ssh import SshTunnel, connect_settings
from hookagent.tunnel.ssh_hosts import Destination, Service, read_destination
from tests.ports import free_port

BODY = b'{"a": 1.0, "b": "\\u00e9"}\r\n\x00'


class Open(asyncssh.SSHServer):
    """A server that lets everybody in and forwards any port of the loopback."""

    def begin_auth(self, username: str) -> bool:
        return False

    def server_requested(self, listen_host, listen_port):
        return listen_host in ("", "localhost")

    def connection_requested(self, dest_host, dest_port, orig_host, orig_port):
        return True


@dataclass
class Running:
    """A started ssh server."""

    acceptor: asyncssh.SSHAcceptor
    port: int
    connections: list[asyncssh.SSHServerConnection]
    known_hosts: Path

    def destination(self, service: Service = Service.OWN) -> Destination:
        return Destination(
            service=service, host="127.0.0.1", port=self.port, user="u", bind="", remote_port=0
        )

    def options(self, **more) -> TunnelOptions:
        known_hosts = str(self.known_hosts)
        return TunnelOptions(provider="ssh", known_hosts=known_hosts, **more)


@pytest.fixture
async def ssh_server(tmp_path):
    """Start ssh servers; a session's words are the test's."""
    acceptors = []

    async def start(*words: str, server=Open) -> Running:
        key = asyncssh.generate_private_key("ssh-ed25519")
        connections: list[asyncssh.SSHServerConnection] = []

        async def talk(process):
            process.stdout.write("\n".join(words) + "\n")
            await process.wait_closed()

        def arrive():
            made = server()
            made.connection_made = connections.append
            return made

        acceptor = await asyncssh.create_server(
            arrive, "127.0.0.1", 0, server_host_keys=[key], process_factory=talk
        )
        acceptors.append(acceptor)
        port = acceptor.get_port()
        known_hosts = tmp_path / "known_hosts"
        known_hosts.write_text(f"[127.0.0.1]:{port} {key.export_public_key().decode().strip()}\n")
        return Running(acceptor, port, connections, known_hosts)

    yield start
    for acceptor in acceptors:
        acceptor.close()
        await acceptor.wait_closed()


@dataclass
class Local:
    """A listener that remembers what it got."""

    url: str
    got: list[tuple[str, str, bytes]]


@pytest.fixture
async def local():
    """Start a listener."""
    got = []

    async def answer(request):
        got.append((request.method, request.path_qs, await request.read()))
        return web.Response(text="stored")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield Local(f"http://127.0.0.1:{server.port}", got)


async def post(url: str, body: bytes) -> str:
    async with aiohttp.ClientSession() as session, session.post(url, data=body) as answer:
        return await answer.text()


async def test_a_request_passes_through_byte_for_byte(ssh_server, local, listen):
    server = await ssh_server()
    tunnel = listen(SshTunnel(server.options(), server.destination()), local.url)

    up = await tunnel.until(Up)

    assert await post(f"{up.url}/hooks/x?y=1", BODY) == "stored"
    assert local.got == [("POST", "/hooks/x?y=1", BODY)]
    assert any(isinstance(e, Log) and "plain HTTP" in e.line for e in tunnel.events)


async def test_a_domain_in_front_of_a_server_of_ones_own_is_the_address(ssh_server, local, listen):
    server = await ssh_server()
    options = server.options(domain="hooks.example.test")
    tunnel = listen(SshTunnel(options, server.destination()), local.url)

    assert await tunnel.until(Up) == Up(url="https://hooks.example.test")


async def test_a_server_whose_key_is_not_known_is_refused(ssh_server, local, listen, tmp_path):
    server = await ssh_server()
    empty = tmp_path / "empty"
    empty.write_text("")
    options = replace(server.options(), known_hosts=str(empty))
    tunnel = listen(SshTunnel(options, server.destination()), local.url)

    down = await tunnel.until(Down)

    assert (down.code, down.retryable) == ("unknown-host-key", False)
    assert "SHA256:" in down.message
    assert f"ssh-keyscan -p {server.port} 127.0.0.1" in down.hint


async def test_a_server_whose_key_is_another_one_is_refused(ssh_server, local, listen):
    server = await ssh_server()
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {other}")
    tunnel = listen(SshTunnel(server.options(), server.destination()), local.url)

    assert (await tunnel.until(Down)).code == "unknown-host-key"


async def test_a_server_that_goes_away_is_noticed(ssh_server, local, listen):
    server = await ssh_server()
    tunnel = listen(SshTunnel(server.options(), server.destination()), local.url)
    await tunnel.until(Up)

    for connection in server.connections:
        connection.abort()
    down = await tunnel.until(Down)

    assert (down.code, down.retryable) == ("connection-lost", True)


async def test_localhost_runs_words_name_the_address_and_its_change(ssh_server, local, listen):
    server = await ssh_server(
        "===== welcome, see https://localhost.run/docs =====",
        '{"event":"authn","message":"hello"}',
        '{"event":"tcpip-forward","address":"a1b2.lhr.life"}',
        '{"event":"tcpip-forward","address":"c3d4.lhr.life"}',
    )
    tunnel = listen(
        SshTunnel(server.options(), server.destination(Service.LOCALHOST_RUN)), local.url
    )

    assert await tunnel.until(Up) == Up(url="https://a1b2.lhr.life")
    assert await tunnel.until(UrlChanged) == UrlChanged(
        old="https://a1b2.lhr.life", new="https://c3d4.lhr.life"
    )


async def test_pinggys_free_address_ends_after_an_hour(ssh_server, local, listen):
    server = await ssh_server("Expires in 60 min", "https://abc-12.a.free.pinggy.link")
    tunnel = listen(SshTunnel(server.options(), server.destination(Service.PINGGY)), local.url)

    up = await tunnel.until(Up)

    assert up.url == "https://abc-12.a.free.pinggy.link"
    assert up.expires_at is not None


async def test_pinggy_is_asked_inside_the_connection(ssh_server, local, listen, monkeypatch):
    async def urls(_request):
        return web.json_response({"urls": ["http://x.pinggy.link", "https://x.pinggy.link"]})

    app = web.Application()
    app.router.add_get("/urls", urls)
    async with TestServer(app) as inside:
        monkeypatch.setattr(ssh, "PINGGY_PORT", inside.port)
        server = await ssh_server("nothing of use")
        options = server.options(authtoken="paid")
        tunnel = listen(SshTunnel(options, server.destination(Service.PINGGY)), local.url)

        assert await tunnel.until(Up) == Up(url="https://x.pinggy.link")


class Closed(Open):
    def server_requested(self, listen_host, listen_port):
        return False


class Locked(Open):
    def begin_auth(self, username):
        return True


@pytest.mark.parametrize(
    ("kind", "expected"), [(Closed, ("port-refused", True)), (Locked, ("bad-login", False))]
)
async def test_refusals_become_sentences(ssh_server, local, listen, kind, expected):
    server = await ssh_server(server=kind)
    destination = server.destination(Service.LOCALHOST_RUN)
    tunnel = listen(SshTunnel(server.options(), destination), local.url)

    down = await tunnel.until(Down)

    assert (down.code, down.retryable) == expected
    assert down.hint


async def test_a_key_file_that_is_none_is_said(ssh_server, local, listen, tmp_path):
    server = await ssh_server()
    key = tmp_path / "key"
    key.write_text("not a key")
    options = server.options(key_file=str(key))
    tunnel = listen(SshTunnel(options, server.destination()), local.url)

    assert (await tunnel.until(Down)).code == "bad-key"


async def test_a_dead_server_may_come_back(local, listen):
    tunnel = listen(SshTunnel(TunnelOptions(provider="ssh", host="127.0.0.1:9")), local.url)

    down = await tunnel.until(Down)

    assert (down.code, down.retryable) == ("no-network", True)


async def test_a_silent_server_is_given_up(local, listen):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        options = TunnelOptions(provider="ssh", host=host, start_seconds=0.2)

        assert (await listen(SshTunnel(options), local.url).until(Down)).code == "start-timeout"


async def test_missing_files_and_bad_hosts_are_said_before_anything_is_sent():
    async def code(**options) -> str:
        return (await SshTunnel(TunnelOptions(provider="ssh", **options)).check()).code

    assert await code(host="a b") == "bad-host"
    assert await code(host="h", key_file="/nowhere/key") == "no-file"
    assert await code(host="h", domain="d.example.test") == "no-remote-port"
    assert await code(host="h") == "ready"


def test_a_strangers_server_gets_no_key_of_ours():
    options = TunnelOptions(provider="ssh", host="pinggy")
    destination = read_destination(options)
    assert isinstance(destination, Destination)

    settings = connect_settings(options, destination)

    assert (settings["client_keys"], settings["agent_path"], settings["config"]) == (None,) * 3
    assert (settings["username"], settings["port"]) == ("free", 443)


SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin")


@pytest.fixture
def sshd(tmp_path):
    """Start Debian's sshd on a free port with keys of its own."""
    if SSHD is None:
        pytest.skip("sshd is not installed")
    if os.geteuid() == 0 and not Path("/run/sshd").is_dir():
        pytest.skip("sshd needs its folder /run/sshd")
    port = free_port()
    for name in ("host", "user"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(tmp_path / name)
        key.write_public_key(tmp_path / f"{name}.pub")
        (tmp_path / name).chmod(0o600)
    (tmp_path / "authorized").write_text((tmp_path / "user.pub").read_text())
    (tmp_path / "known").write_text(f"[127.0.0.1]:{port} {(tmp_path / 'host.pub').read_text()}")
    (tmp_path / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nAddressFamily inet\nHostKey {tmp_path}/host\n"
        f"AuthorizedKeysFile {tmp_path}/authorized\nStrictModes no\nUsePAM no\n"
        f"PasswordAuthentication no\nAllowTcpForwarding remote\nPidFile none\n"
    )
    process = subprocess.Popen(
        [SSHD, "-D", "-e", "-f", str(tmp_path / "config")],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    if "listening" not in line:
        process.kill()
        process.communicate()
        pytest.skip(f"sshd does not start here: {line.strip()}")
    yield TunnelOptions(
        provider="ssh",
        host=f"{getpass.getuser()}@127.0.0.1:{port}",
        key_file=str(tmp_path / "user"),
        known_hosts=str(tmp_path / "known"),
    )
    process.terminate()
    process.communicate()


async def test_debians_sshd_forwards_a_port(sshd, local, listen):
    tunnel = listen(SshTunnel(sshd), local.url)

    up = await tunnel.until(Up)

    assert await post(f"{up.url}/hooks", BODY) == "stored"
    assert local.got == [("POST", "/hooks", BODY)]


async def test_debians_sshd_refuses_a_busy_port(sshd, local, listen):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        options = replace(sshd, remote_port=busy.getsockname()[1], domain="d.example.test")
        down = await listen(SshTunnel(options), local.url).until(Down)

    assert (down.code, down.retryable) == ("port-refused", True)


async def test_closing_gives_the_port_back(ssh_server, local, listen):
    server = await ssh_server()
    tunnel = listen(SshTunnel(server.options(), server.destination()), local.url)
    up = await tunnel.until(Up)

    await tunnel.close()
    await asyncio.sleep(0)

    with pytest.raises(aiohttp.ClientError):
        await post(up.url, BODY)
