"""Which trace and span something has: computed from ids that are stored anyway.

A delivery's trace follows from its event's id (or from the `traceparent` that came with it, which
is stored with the event), a run's span from the run's id. So nothing has to be stored for a trace
to go on after a restart, or at another worker, and nothing is to be done while tracing is off.
"""

import re
from hashlib import sha256
from typing import NamedTuple

FIELD = "traceparent"
SAMPLED = 1
_FORM = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)


class Context(NamedTuple):
    """One span's place."""

    trace_id: int
    span_id: int
    flags: int

    @property
    def is_sampled(self) -> bool:
        """Whether it is to be recorded."""
        return bool(self.flags & SAMPLED)

    def child(self, *of: object) -> "Context":
        """Return the context of a span below this one."""
        return self._replace(span_id=span_id(*of))


def parse(value: bytes | None) -> Context | None:
    """Read a `traceparent`; None for anything that is none (W3C Trace Context, 3.2)."""
    found = _FORM.fullmatch((value or b"").strip())
    if found is None:
        return None
    version, trace, span, flags, rest = found.groups()
    if version == b"ff" or (version == b"00" and rest is not None):
        return None
    context = Context(int(trace, 16), int(span, 16), int(flags, 16))
    return context if context.trace_id and context.span_id else None


def written(context: Context) -> str:
    """Return the `traceparent` of a context."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.flags & SAMPLED:02x}"


def trace_id(*of: object) -> int:
    """Return the trace of something, by its ids; never 0."""
    return int.from_bytes(_digest(b"trace", of)[:16]) or 1


def span_id(*of: object) -> int:
    """Return the span of something, by its ids; never 0."""
    return int.from_bytes(_digest(b"span", of)[:8]) or 1


def _digest(kind: bytes, of: tuple[object, ...]) -> bytes:
    return sha256(kind + b"\0" + "\0".join(map(str, of)).encode("utf-8", "surrogatepass")).digest()
