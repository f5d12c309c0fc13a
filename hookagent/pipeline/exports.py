"""One captured request in the forms people paste elsewhere: curl, raw HTTP, HAR, JSON."""

import base64
import json
import shlex
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from hookagent.event import RawRequest
from hookagent.eventfile import Captured, format_time, to_object

CONNECTION = frozenset({"host", "content-length", "transfer-encoding", "connection"})
"""Fields that a client makes anew."""


def to_curl(request: RawRequest, url: str) -> str:
    """Write a request as a curl command that sends the same bytes; safe to paste in a shell."""
    words = ["curl", "--request", request.method, url]
    for name, value in request.headers.items():
        if name.lower() not in CONNECTION:
            words += ["--header", f"{name}: {value}" if value else f"{name};"]
    lines = [shlex.join(words[:4])]
    lines += [shlex.join(words[i : i + 2]) for i in range(4, len(words), 2)]
    if request.body:
        lines.append(f"{_DATA[request.body.startswith(AT)]} {_shell_bytes(request.body)}")
    return " \\\n  ".join(lines)


AT = b"@"
_DATA = {False: "--data-binary", True: "--data-raw"}
"""curl takes a body that begins with `@` for the name of a file, unless it is called raw."""


def _shell_bytes(body: bytes) -> str:
    """Quote bytes for a POSIX shell; what is not printable text goes through `$'…'`."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if text and all(character.isprintable() for character in text) and text[0] != "@":
        return shlex.quote(text)
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}"  # noqa: PLR2004 - printable ASCII
        for byte in body
    )
    return f"$'{escaped}'"


_HTTPIE_SPECIAL = "=@:;"
"""What separates names from values in HTTPie's arguments; a backslash takes the meaning away."""


def to_httpie(request: RawRequest, url: str) -> str:
    """Write a request as an HTTPie command that sends the same bytes; safe to paste in a shell."""
    fields = []
    for name, value in request.headers.items():
        if name.lower() in CONNECTION:
            continue
        shield = "\\" if value[:1] and value[0] in _HTTPIE_SPECIAL else ""
        fields.append(f"{name}:{shield}{value}" if value else f"{name};")
    lines = [shlex.join(["http", "--ignore-stdin", request.method, url])]
    if request.body:
        lines[0] = shlex.join(["http", "--ignore-stdin", "--raw"]) + (
            f" {_shell_bytes(request.body)} " + shlex.join([request.method, url])
        )
    return " \\\n  ".join([*lines, *(shlex.quote(field) for field in fields)])


SCRIPT = '''"""A captured webhook, sent again. Standard library only."""

import base64
import urllib.request

HEADERS = {headers}
BODY = base64.b64decode({body!r})

request = urllib.request.Request({url!r}, BODY, HEADERS, method={method!r})
with urllib.request.urlopen(request, timeout=30) as response:
    print(response.status, response.read().decode("utf-8", "replace"))
'''


def to_python(request: RawRequest, url: str) -> str:
    """Write a request as a Python script of the standard library only."""
    return SCRIPT.format(
        headers=_fields(request), body=_base64(request), url=url, method=request.method
    )


def to_command(event_id: str) -> str:
    """Write the command that sends a stored event again."""
    return shlex.join(["hookagent", "replay", event_id])


def to_http(request: RawRequest, url: str) -> bytes:
    """Write a request as it goes over the wire in HTTP/1.1."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{request.method} {target} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{n}: {v}" for n, v in request.headers.items() if n.lower() not in CONNECTION]
    lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + request.body


def to_har(captures: list[Captured], version: str) -> dict[str, Any]:
    """Write captures as a HAR 1.2 archive."""
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "hookagent", "version": version},
            "entries": [_har_entry(captured) for captured in captures],
        }
    }


def _har_entry(captured: Captured) -> dict[str, Any]:
    request = captured.request
    headers = [{"name": name, "value": value} for name, value in request.headers.items()]
    query = parse_qsl(request.query, keep_blank_values=True)
    return {
        "startedDateTime": format_time(request.received_at),
        "time": 0,
        "request": {
            "method": request.method,
            "url": request.base_url + request.target if request.base_url else request.target,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": headers,
            "queryString": [{"name": name, "value": value} for name, value in query],
            "postData": {
                "mimeType": request.headers.text("content-type") or "",
                "text": request.body.decode("utf-8", "replace"),
            },
            "headersSize": -1,
            "bodySize": len(request.body),
        },
        "response": {
            "status": 0, "statusText": "", "httpVersion": "HTTP/1.1", "cookies": [], "headers": [],
            "content": {"size": 0, "mimeType": ""}, "redirectURL": "", "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        "comment": captured.id,
    }  # fmt: skip


def _fields(request: RawRequest) -> str:
    """Write the header fields as a Python dictionary."""
    fields = {n: v for n, v in request.headers.items() if n.lower() not in CONNECTION}
    return json.dumps(fields, indent=4)


def _base64(request: RawRequest) -> str:
    return base64.b64encode(request.body).decode("ascii")


def to_event_line(captured: Captured) -> str:
    """Write a request as one line of an event file."""
    return json.dumps(to_object(captured), ensure_ascii=True)
