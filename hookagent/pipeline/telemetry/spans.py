"""A thin shim over OpenTelemetry's tracer: spans that are over, under ids that were due.

The SDK draws random ids when a span begins. Ours are known before (`context`), and what a span
tells of may outlive the process it began in, so it is written when it is over, with its own times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opentelemetry.context import Context as Scope
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from hookagent.pipeline.telemetry.context import SAMPLED, Context
from hookagent.version import hookagent_version

Value = str | bool | int | float | Sequence[str]
NS_PER_MS = 1_000_000


class Due(IdGenerator):
    """Hands the SDK the ids of the span that is being written."""

    def __init__(self) -> None:
        self.context = Context(1, 1, 0)

    def generate_span_id(self) -> int:
        return self.context.span_id

    def generate_trace_id(self) -> int:
        return self.context.trace_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A span that is over."""

    name: str
    kind: SpanKind = SpanKind.INTERNAL
    context: Context
    parent: Context | None = None
    began_ns: int
    ended_ns: int
    attributes: Mapping[str, Value] = field(default_factory=dict)
    links: Sequence[Context] = ()
    error: str = ""
    """What went wrong, or empty."""


class Spans:
    """Writes spans. To be called from one thread only."""

    def __init__(self, provider: TracerProvider, due: Due) -> None:
        self._provider = provider
        self._due = due
        self._tracer = provider.get_tracer("hookagent", hookagent_version())

    def flags(self, trace_id: int) -> int:
        """Return whether a trace that begins here is recorded, as the sampler says."""
        result = self._provider.sampler.should_sample(Scope(), trace_id, "delivery")
        return 0 if result.decision is Decision.DROP else SAMPLED

    def write(self, told: Told) -> None:
        """Write one span, where its trace is recorded."""
        if not told.context.is_sampled:
            return
        self._due.context = told.context
        scope = Scope()
        if told.parent is not None:
            scope = set_span_in_context(NonRecordingSpan(_sdk(told.parent)), scope)
        span = self._tracer.start_span(
            told.name,
            context=scope,
            kind=told.kind,
            attributes=dict(told.attributes),
            links=[Link(_sdk(link)) for link in told.links],
            start_time=told.began_ns,
        )
        if told.error:
            span.set_status(Status(StatusCode.ERROR, told.error))
        span.end(max(told.ended_ns, told.began_ns))


def _sdk(context: Context) -> SpanContext:
    return SpanContext(
        context.trace_id, context.span_id, is_remote=True, trace_flags=TraceFlags(context.flags)
    )
