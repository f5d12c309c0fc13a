"""Finds out what a capture is and has it read; nothing is fetched, no file a capture names is read.

| format | what it is |
| --- | --- |
| `json` | our event file, JSON Lines of them, or a bare payload |
| `har` | HTTP Archive 1.2, as browsers and proxies save |
| `curl` | one or more curl commands |
| `http` | one request as it goes over the wire |
| `mitmproxy` | a flow file of mitmproxy, mitmdump or mitmweb |
| `ngrok` | `GET /api/requests/http` of the ngrok agent |
| `github` | a delivery of GitHub's hook deliveries API |
| `stripe` | events as the Stripe CLI prints them (`listen --format json`), or a list of the API |
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from hookagent.errors import UsageError, did_you_mean
from hookagent.eventfile import Captured, read
from hookagent.pipeline.captures import curl, deliveries, flows, har, wire


def parse(data: bytes, name: str, *, form: str = "") -> Iterator[Captured]:
    """Yield the requests in a capture; `form` is a key of `FORMATS`, empty to find out.

    Raises UsageError for what cannot be read.
    """
    if form and form not in FORMATS:
        known = ", ".join(FORMATS)
        raise UsageError(
            f"unknown format `{form}`", hint=did_you_mean(form, FORMATS) or f"known: {known}"
        )
    yield from FORMATS[form or detect(data)](data, name)


def detect(data: bytes) -> str:
    """Say which format some bytes most likely are."""
    start = data.lstrip()[:16]
    if start.startswith((b"curl ", b"curl\t", b"$ curl ")):
        return "curl"
    if flows.is_flow(data):
        return "mitmproxy"
    if wire.is_request(data):
        return "http"
    if not start.startswith((b"{", b"[")):
        return "json"
    return _kind_of_json(_decoded(data))


def _kind_of_json(value: Any) -> str:
    if not isinstance(value, dict):
        return "json"
    log = value.get("log")
    if isinstance(log, dict) and isinstance(log.get("entries"), list):
        return "har"
    if deliveries.is_ngrok(value):
        return "ngrok"
    if deliveries.is_github(value):
        return "github"
    if deliveries.is_stripe(value):
        return "stripe"
    return "json"


def _decoded(data: bytes) -> Any:
    """Return the JSON, or that of the first line where only lines are."""
    for text in (data, data.lstrip().partition(b"\n")[0]):
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    return None


def _json(data: bytes, name: str) -> Iterator[Captured]:
    return read(data, name=name)


FORMATS: Mapping[str, Callable[[bytes, str], Iterator[Captured]]] = {
    "json": _json,
    "har": har.read_har,
    "curl": curl.read_curl,
    "http": wire.read_http,
    "mitmproxy": flows.read_flows,
    "ngrok": deliveries.read_ngrok,
    "github": deliveries.read_github,
    "stripe": deliveries.read_stripe,
}
"""What reads each format: bytes and a name for messages."""
