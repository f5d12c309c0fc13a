"""T18: the inspector's port in raw bytes, by whoever else can reach a loopback address."""

import http.client
import socket

import pytest

from tests.patience import PATIENCE_S, wait_until
from tests.security.raw import signed, statuses, talk
from tests.security.resources import memory, open_files
from tests.whole.served import run, serving, write_project


@pytest.fixture(scope="module")
def open_(tmp_path_factory):
    """Run an agent with its inspector; the last `--inspector` on the line counts."""
    project = write_project(tmp_path_factory.mktemp("t18"))
    with serving(project, "--inspector") as agent:
        agent.post({"id": "1"})
        yield agent


@pytest.fixture
def port(open_):
    return int(open_.inspector.partition("//")[2].partition("/")[0].rpartition(":")[2])


@pytest.fixture
def token(open_):
    return open_.inspector.partition("token=")[2]


def ask(port: int, path: str, *lines: str, method: str = "GET", host: str | None = None) -> bytes:
    own = f"127.0.0.1:{port}" if host is None else host
    head = [f"{method} {path} HTTP/1.1", f"Host: {own}", "Connection: close", *lines]
    return talk(port, "\r\n".join([*head, "", ""]).encode("latin-1", "replace"))


def test_t18_the_right_token_opens_it(port, token):
    assert statuses(ask(port, "/api/events", f"Authorization: Bearer {token}")) == [200]


@pytest.mark.parametrize(
    "host",
    [
        "evil.test", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:{port}.evil.test", "127.1:{port}",
        "2130706433:{port}", "0x7f.1:{port}", "[::ffff:127.0.0.1]:{port}", "localhost.:{port}",
        "127.0.0.1:{port}@evil.test", "evil.test#127.0.0.1:{port}", "127.0.0.1:0{port}", "", " ",
        "①②⑦.⓪.⓪.①:{port}", "LOCALHOST:{port}:{port}", "localhost:{port}/",
    ],
)  # fmt: skip
def test_t18_a_name_that_was_made_to_point_here_opens_nothing(port, token, host):
    named = host.format(port=port)

    answer = ask(port, "/api/events", f"Authorization: Bearer {token}", host=named)

    assert statuses(answer) in ([421], [400])
    assert token.encode() not in answer


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../../etc/passwd", "/static/%2e%2e/%2e%2e/pyproject.toml", "/static//etc/passwd",
        "/static/..%2f..%2fapp.py", "/static/....//guard.py", "/static/%00", "/static/index.html%00.css",
        "/static/\\..\\app.py", "/static/C:/x", "/static/vendor/../../inspector/app.py", "/../app.py",
    ],
)  # fmt: skip
def test_t18_no_path_leads_out_of_the_page(port, token, path):
    answer = ask(port, path, f"Authorization: Bearer {token}")

    assert statuses(answer) in ([404], [400])
    assert b"root:" not in answer
    assert b"import " not in answer


@pytest.mark.parametrize("guess", ["", "x", "é", "A" * 8_000, "TOKEN" * 9, "Bearer"])
def test_t18_a_guess_is_told_nothing_but_no(port, token, guess):
    answers = {
        ask(port, "/api/events", f"Authorization: Bearer {guess}"),
        ask(port, "/api/events", f"Authorization: Bearer {token[:-1]}"),
        ask(port, "/api/events", f"Authorization: Bearer {token}x"),
        ask(port, "/api/events", f"Authorization: Basic {token}"),
        ask(port, "/api/events", f"Cookie: hookagent-{port}={token}"),
    }
    bodies = {answer.partition(b"\r\n\r\n")[2] for answer in answers if answer}

    assert all(statuses(answer) in ([401], [400]) for answer in answers)
    assert len({body for body in bodies if b"unauthorized" in body}) == 1
    assert all(token.encode() not in answer for answer in answers)


@pytest.mark.parametrize(
    "data",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET http://evil.test/api/events HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/events HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /api/replay HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"GET / HTTP/0.9\r\n\r\n", b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n" * 1_000,
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
)  # fmt: skip
def test_t18_what_is_odd_is_refused_and_ends_nothing(open_, port, token, data):
    answer = talk(port, data, wait_s=1, end=True)

    assert 200 not in statuses(answer)
    assert statuses(ask(port, "/api/events", f"Authorization: Bearer {token}")) == [200]


@pytest.mark.parametrize("line", ["X: \x00cAnArY", "X : cAnArY", "X: " + "cAnArY" * 2_000])
def test_t18_nothing_of_a_malformed_request_is_echoed_or_logged(open_, port, line):
    answer = ask(port, "/api/events", line)

    assert answer.split(b" ")[1] == b"400"
    for word in (b"cAnArY", b"aiohttp", b"Python", b"Traceback"):
        assert word not in answer
    assert b"nosniff" in answer
    assert "cAnArY" not in open_.stderr
    assert "Traceback" not in open_.stderr


def test_t18_a_packed_body_is_not_unpacked_for_strangers(open_, port):
    import gzip

    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    before = memory(open_.process.pid)
    head = f"POST /api/replay HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Encoding: gzip\r\n"

    answer = talk(port, head.encode() + b"Content-Length: %d\r\n\r\n" % len(bomb) + bomb)

    assert statuses(answer)[0] in {401, 403}
    assert memory(open_.process.pid) - before < 16 * 1024 * 1024


def test_t18_a_crowd_at_the_inspector_keeps_nobody_from_the_listener(open_, port):
    before = open_files(open_.process.pid)
    crowd = []
    for _ in range(600):
        one = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        one.sendall(b"GET /api/live HTTP/1.1\r\n")
        crowd.append(one)
    wait_until(lambda: open_files(open_.process.pid) < 300)  # those beyond the bound are closed

    answer = talk(open_.port, signed(b'{"id":"beside the crowd"}'))
    for one in crowd:
        one.close()

    assert statuses(answer) == [200]
    of_its_own = 20  # the store and the loop open some when they are first used
    wait_until(lambda: open_files(open_.process.pid) <= before + of_its_own)


def test_t18_more_live_streams_than_there_is_room_for_are_told_so(port, token):
    streams = []
    for _ in range(40):
        stream = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        stream.request("GET", "/api/live", headers={"Authorization": f"Bearer {token}"})
        streams.append((stream, stream.getresponse().status))
    found = [status for _, status in streams]
    for stream, _ in streams:
        stream.close()

    assert found.count(200) == 32
    assert set(found[32:]) == {503}


def test_t18_the_listener_knows_nothing_of_the_inspector(open_):
    for path in (b"/api/events", b"/__inspector", b"/static/main.js", b"/?token=x"):
        request = b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path
        assert statuses(talk(open_.port, request)) == [404]


def test_t18_the_token_is_in_no_file_and_on_no_command_line(open_, token):
    files = [one for one in open_.folder.rglob("*") if one.is_file()]

    assert not [str(one) for one in files if token.encode() in one.read_bytes()]
    assert token not in run(open_.folder, "doctor", "--json").stdout.decode()
