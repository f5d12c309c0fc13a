"""What every signed scheme checks around the signature: headers, digest, message id, timestamp."""

from collections.abc import Callable

from hookagent.providers.digest import check_digest
from hookagent.providers.refusal import Refusal
from hookagent.providers.scheme import Scheme
from hookagent.providers.stamp import check_age, parse_stamp
from hookagent.providers.view import View
from hookagent.verdict import Code

Stamp = tuple[bytes, int | None]
"""The timestamp as written and in Unix milliseconds; None where the scheme has none."""


def read_stamp(view: View, scheme: Scheme, beside: bytes | None) -> Stamp:
    """Read the timestamp wherever it is; `beside` is what stood beside the signature."""
    rule = scheme.timestamp
    if rule is None:
        return b"", None
    if rule.place.kind in {"tag", "first"}:
        if beside is None:
            raise Refusal(Code.MISSING_TIMESTAMP, f"{rule.place} with the timestamp is missing")
        text = beside
    else:
        text = view.at(rule.place, Code.MISSING_TIMESTAMP)
    signed_at = parse_stamp(text, rule.format)
    if signed_at is None:
        raise Refusal(Code.MALFORMED_TIMESTAMP, f"{rule.place} is not a `{rule.format}` timestamp")
    return text, signed_at


def stamp_reader(
    scheme: Scheme,
    tolerance_ms: int | None,
) -> Callable[[View, bytes | None, int], Stamp]:
    """Return a function that reads the timestamp and refuses it outside the window."""
    rule = scheme.timestamp
    if rule is None:
        return lambda _view, _beside, _now: (b"", None)
    window = rule.tolerance_ms if tolerance_ms is None else tolerance_ms

    def read(view: View, beside: bytes | None, now: int) -> Stamp:
        text, signed_at = read_stamp(view, scheme, beside)
        if signed_at is not None:
            check_age(signed_at, now, window)
        return text, signed_at

    return read


def check_surroundings(view: View, scheme: Scheme) -> bytes:
    """Check required headers and the body's digest; return the message id."""
    for name, value in scheme.require_headers:
        if view.header(name) != value.encode():
            raise Refusal(Code.MISSING_PART, f"header `{name}` is not `{value}`")
    if scheme.digest is not None:
        check_digest(view, scheme.digest)
    return view.header(scheme.id_header) if scheme.id_header else b""
