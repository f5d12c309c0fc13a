"""Pure: captured requests in the forms people paste elsewhere, safe to paste."""

import base64
import shlex
import subprocess

import pytest

from hookagent.event import Headers, RawRequest
from hookagent.pipeline.exports import to_command, to_curl, to_httpie, to_python

URL = "http://127.0.0.1:8787/hooks/shop?a=1&b=$(id)"
HEADERS = Headers.of(
    [
        ("Host", "example.test"),
        ("Content-Length", "7"),
        ("X-Plain", "one two"),
        ("X-Empty", ""),
        ("X-Equal", "=raw"),
        ("X-At", "@file"),
        ("X-Quote", "it's `id` $HOME"),
    ]
)
BODIES = [b"", b'{"a": 1}', b"it's\n$(id)\\", b"\x00\xff", "ä😍".encode(), b"@/etc/passwd"]


def request(body: bytes) -> RawRequest:
    return RawRequest(target="/hooks/shop?a=1", headers=HEADERS, body=body)


def words(command: str) -> list[bytes]:
    """Return what a shell makes of a command's arguments."""
    script = f"show() {{ printf '%s\\0' \"$@\"; }}; show {command}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    return done.stdout.split(b"\0")[:-1]


# Arguments of a process hold no NUL; curl is given such a body through a file instead.
@pytest.mark.parametrize("body", [body for body in BODIES if b"\0" not in body])
def test_a_shell_gives_curl_and_httpie_the_very_bytes(body):
    curl, httpie = words(to_curl(request(body), URL)), words(to_httpie(request(body), URL))

    assert URL.encode() in curl
    assert URL.encode() in httpie
    if body:
        assert curl[curl.index(b"--data-binary") + 1] == body
        assert httpie[httpie.index(b"--raw") + 1] == body


def test_headers_are_passed_on_but_those_of_the_connection():
    httpie = words(to_httpie(request(b"x"), URL))

    for word in (b"X-Plain:one two", b"X-Empty;", b"X-Equal:\\=raw", b"X-At:\\@file"):
        assert word in httpie
    assert not [word for word in httpie if word.lower().startswith((b"host", b"content-length"))]
    assert b"X-Empty;" in words(to_curl(request(b""), URL))


@pytest.mark.parametrize("body", BODIES)
def test_the_script_holds_the_very_bytes(body):
    names: dict[str, object] = {}
    text = to_python(request(body), URL).partition("request = ")[0]

    exec(compile(text, "script", "exec"), names)

    assert names["BODY"] == body
    assert base64.b64encode(body).decode() in text


def test_the_command_is_one_argument():
    assert to_command("evt_1") == "hookagent replay evt_1"
    assert shlex.split(to_command("x; rm -rf /")) == ["hookagent", "replay", "x; rm -rf /"]
