"""Adds to a request what a scheme signs and the request lacks, before it is signed."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from hookagent.event import RawRequest
from hookagent.providers.codec import ENCODERS
from hookagent.providers.digest import body_digest
from hookagent.providers.placing import put, put_header, put_json
from hookagent.providers.refusal import Refusal
from hookagent.providers.shape import Location, Timestamp
from hookagent.providers.signed import Part
from hookagent.providers.signing import Signing
from hookagent.providers.stamp import format_stamp

BESIDE = frozenset({"tag", "first"})
COUNTED = frozenset({"unix", "unix-ms"})
"""Timestamp formats that are a number of seconds or milliseconds."""


def complete_request(signing: Signing, request: RawRequest) -> RawRequest:
    """Return the request with timestamp, message id, digest and every signed part in place."""
    scheme = signing.scheme
    for name, value in scheme.require_headers:
        request = put_header(request, name, value)
    if scheme.id_header:
        request = put_header(request, scheme.id_header, signing.message_id)
    rule = scheme.timestamp
    if rule is not None and rule.place.kind not in BESIDE:
        request = _with_stamp(signing, request, rule)
    for part in scheme.signed.parts:
        request = _with_part(signing, request, part)
    if scheme.digest is not None:
        digest = ENCODERS[scheme.digest.encoding](body_digest(scheme.digest, request.body)).decode()
        request = put(request, scheme.digest.place, scheme.digest.prefix + digest)
    return request


def _with_stamp(signing: Signing, request: RawRequest, rule: Timestamp) -> RawRequest:
    """Put the timestamp in place; in JSON one that counts is a number, as senders write it."""
    if rule.place.kind == "json" and rule.format in COUNTED:
        return put_json(request, rule.place.path, int(signing.stamp))
    return put(request, rule.place, signing.stamp)


def _with_part(signing: Signing, request: RawRequest, part: Part) -> RawRequest:
    """Make up a signed value that is missing; one that is there stays."""
    if part.kind not in {"header", "query", "form", "json"} or part.optional:
        return request
    place = Location(part.kind, (part.name,), part.path)
    digest = signing.scheme.digest
    if digest is not None and _same(place, digest.place):
        return request
    try:
        signing.view(request).at(place)
    except Refusal:
        return put(request, place, _made_up(signing, request, part.name))
    return request


def _same(one: Location, other: Location) -> bool:
    return one.kind == other.kind and one.name.lower() == other.name.lower()


def _made_up(signing: Signing, request: RawRequest, name: str) -> str:
    """Choose a likely value by the name: a time, the host, else the message id."""
    for word, value in _likely(signing, request):
        if word in name.lower():
            return value
    return signing.message_id


def _likely(signing: Signing, request: RawRequest) -> Iterator[tuple[str, str]]:
    stamp = signing.stamp or format_stamp(signing.now, "rfc3339")
    yield "time", stamp
    yield "date", stamp
    if request.base_url:
        yield "host", urlsplit(request.base_url).netloc
