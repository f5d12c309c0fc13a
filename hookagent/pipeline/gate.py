"""One source at the front door: what can be worked out once, and how its deliveries are read."""

from collections.abc import Callable
from hashlib import sha256
from ipaddress import ip_address
from typing import Any, Protocol

import msgspec

from hookagent import payload
from hookagent.config.model import Source
from hookagent.event import RawRequest, content_key
from hookagent.pipeline.answer import Answer, refusal
from hookagent.providers.body import is_wrapped, unwrapped
from hookagent.providers.verify import Verifier
from hookagent.subject import request_values
from hookagent.verdict import Verdict

KEY_BYTES_MAX = 200
"""Longer idempotency keys are hashed, so that a stranger cannot make the index huge."""
TYPE_LENGTH_MAX = 200
"""A type beyond this is cut: it is a name, whatever the sender thinks."""


class Handshakes(Protocol):
    """Answers a provider's question whether we are there, instead of storing it."""

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods it comes by, beyond the source's own."""

    def answer(self, request: RawRequest, verdict: Verdict) -> Answer | None:
        """Return what the provider expects, or None where this is an ordinary delivery."""


class Gate:
    """One source, ready to judge deliveries: everything that can be computed once is."""

    def __init__(self, source: Source, verifier: Verifier, handshakes: Handshakes | None) -> None:
        self.source = source
        self.verifier = verifier
        self.handshakes = handshakes
        self.read = reader_of(source)
        self.must_parse = source.body != "any"
        extra = handshakes.methods if handshakes else ()
        self.methods = frozenset((*source.methods, *extra))
        self.wrong_method = refusal(
            405,
            "method-not-allowed",
            "This webhook takes another method.",
            headers=(("Allow", ", ".join(sorted(self.methods))),),
        )
        answer = source.answer
        self.fixed_answer = (
            None
            if answer.body is None and answer.status == 200  # noqa: PLR2004
            else Answer(answer.status, (answer.body or "").encode(), answer.content_type)
        )

        echoes = [rule.header for rule in source.handshakes if rule.kind == "echo-header"]
        self.echo = echoes[0] if echoes else ""

    def echoed(self, answer: Answer, request: RawRequest) -> Answer:
        """Add the header that the provider wants back in every answer."""
        values = request.headers.all(self.echo)
        if len(values) != 1:
            return answer
        field = (self.echo, values[0].decode("latin-1"))
        return msgspec.structs.replace(answer, headers=(*answer.headers, field))

    def allows(self, client_ip: str) -> bool:
        """Whether the source takes deliveries from this address."""
        networks = self.source.allow_ips
        if not networks:
            return True
        try:
            address = ip_address(client_ip)
        except ValueError:
            return False  # unknown is not allowed
        return any(address in network for network in networks)

    def key_of(self, request: RawRequest, value: Any, verdict: Verdict) -> bytes:
        """Return the idempotency key: the named fields together, else what was signed."""
        parts = []
        for reference in self.source.dedup:
            found = request_values(reference, request, value)
            if not found:
                return content_key(request, verdict)
            parts.append(found[0] if len(found) == 1 else found)  # a batch is all of its ids
        if not parts:
            return content_key(request, verdict)
        key = msgspec.json.encode(parts)
        return key if len(key) <= KEY_BYTES_MAX else sha256(key).digest()


def type_of(source: Source, request: RawRequest, value: Any) -> str:
    """Return an event's type: the references' values joined with a dot, missing ones left out."""
    parts = []
    for reference in source.type:
        found = request_values(reference, request, value)
        if found and isinstance(found[0], str | int) and not isinstance(found[0], bool):
            parts.append(str(found[0]))
    return ".".join(parts)[:TYPE_LENGTH_MAX]


def reader_of(source: Source | None) -> Callable[[RawRequest], payload.Payload]:
    """Return how a source's bodies are read: as it says, never as a request says.

    `any` goes by the content type, and so does what came from no source we know.
    """
    if source is not None and is_wrapped(source.scheme):
        scheme = source.scheme
        return lambda request: unwrapped(scheme, request)
    body = source.body if source is not None else "any"
    if body == "json":
        return lambda request: payload.read_json(request.body)
    if body == "form":
        return lambda request: payload.read_form(request.body)
    return lambda request: payload.read(request.body, request.headers.text("content-type") or "")


def value_of(source: Source | None, request: RawRequest) -> Any:
    """Return the decoded body as the source says it is read, None where it cannot be read."""
    read = reader_of(source)(request)
    return read.value if isinstance(read, payload.Parsed) else None
