"""Whole: the documented nginx configuration in front of a real agent, unprivileged, on loopback."""

import http.client
import json
import os
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.whole.certificates import make_certificate
from tests.whole.served import WAIT_S, serving, signature, write_project

PAGE = (Path(__file__).parents[2] / "docs" / "running.md").read_text("utf-8")
HOST = "hooks.example.test"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
MAIN = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{server}
}}
"""


def documented(kind):
    """Return the block of that kind under the heading about proxies."""
    section = PAGE.partition("## Behind nginx")[2].partition("\n## ")[0]
    return re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL)[0]


class Proxied:
    """An agent, and the nginx in front of it."""

    def __init__(self, served, port, folder):
        self.served = served
        self.port = port
        self.folder = folder
        self.trusted = ssl.create_default_context(cafile=folder / "it.crt")

    def request(self, body, *, source="127.0.0.1", chunked=False, **headers):
        """Send one request through nginx; return status and body."""
        connection = http.client.HTTPSConnection(
            HOST, self.port, context=self.trusted, timeout=WAIT_S
        )
        raw = socket.create_connection(("127.0.0.1", self.port), WAIT_S, (source, 0))
        connection.sock = self.trusted.wrap_socket(raw, server_hostname=HOST)
        sent = {"X-Shop-Signature": signature(body), **headers}
        try:
            connection.request(
                "POST",
                "/hooks/shop?a=%2F%20b&a=2",
                iter([body[:7], body[7:]]) if chunked else body,
                sent,
                encode_chunked=chunked,
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def rows(self, columns):
        with sqlite3.connect(self.folder / ".hookagent" / "hookagent.db") as database:
            found = database.execute(f"SELECT {columns} FROM events ORDER BY seq").fetchall()
        database.close()
        return found


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    make_certificate(folder, int(time.time()) + 86_400, HOST)
    (server,) = re.findall(r"\[server\]\n(.*)", documented("toml"), re.DOTALL)
    kept = "\n".join(line for line in server.splitlines() if not line.startswith(("host", "port")))
    write_project(folder, server=kept)
    (folder / "hookagent.toml").write_text(
        (folder / "hookagent.toml")
        .read_text()
        .replace('type = "type"', 'body = "any"')
        .replace('dedup = "id"\n', "")
    )
    port = free_port()
    with serving(folder) as served:
        text = documented("nginx")
        for written, ours in (
            ("443 ssl", f"127.0.0.1:{port} ssl"),
            ("/etc/ssl/hooks", f"{folder}/it"),
            ("127.0.0.1:8787", f"127.0.0.1:{served.port}"),
        ):
            assert written in text
            text = text.replace(written, ours)
        config = folder / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""  # else it gives its files to `nobody`
        config.write_text(MAIN.format(folder=folder, server=text, user=user))
        nginx = subprocess.Popen(
            [str(NGINX), "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")],
            stderr=subprocess.DEVNULL,  # it says everything in its own log
        )
        try:
            deadline = time.monotonic() + WAIT_S
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), WAIT_S).close()
                    break
                except OSError:
                    assert nginx.poll() is None, (folder / "error.log").read_text()
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            yield Proxied(served, port, folder)
        finally:
            nginx.terminate()
            nginx.wait(WAIT_S)


def test_the_bytes_arrive_as_they_were_signed(proxied):
    bodies = [bytes(range(256)) * 4, b'{"b" : 1,\r\n "a":\t2}', b"", b"x" * 900_000]
    before = len(proxied.rows("seq"))

    answers = [proxied.request(body) for body in bodies]

    assert [status for status, _ in answers] == [200] * 4
    stored = proxied.rows("body, target")[before:]
    assert [body for body, _ in stored] == bodies
    assert {target for _, target in stored} == {"/hooks/shop?a=%2F%20b&a=2"}


def test_a_chunked_body_arrives_whole(proxied):
    body = b'{"chunked": true}'
    status, answer = proxied.request(body, chunked=True)
    assert (status, json.loads(answer)["status"]) == (200, "accepted")
    assert proxied.rows("body")[-1] == (body,)


def test_the_sender_is_who_connected_to_nginx_whatever_it_says(proxied):
    for number, source in enumerate(("127.0.0.1", "127.0.0.2")):
        body = b'{"from": %d}' % number
        status, _ = proxied.request(body, source=source, **{"X-Forwarded-For": "203.0.113.9"})
        assert status == 200
        assert proxied.rows("client_ip")[-1] == (source,)


def test_what_is_forged_or_too_large_is_refused(proxied):
    forged = proxied.request(b"{}", **{"X-Shop-Signature": "sha256=" + "0" * 64})
    large = proxied.request(b"x" * (1024 * 1024 + 1))
    assert (forged[0], large[0]) == (403, 413)


def test_the_inspector_is_not_behind_it(proxied):
    connection = http.client.HTTPSConnection(HOST, proxied.port, context=proxied.trusted)
    raw = socket.create_connection(("127.0.0.1", proxied.port), WAIT_S)
    connection.sock = proxied.trusted.wrap_socket(raw, server_hostname=HOST)
    connection.request("GET", "/metrics")
    assert connection.getresponse().status == 404
    connection.close()
