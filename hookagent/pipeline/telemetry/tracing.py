"""What the front door, the worker and the runs tell a collector. Off, none of this is imported.

    POST /hooks/shop            SERVER    arrival to answer; refusals as well
    ├─ send shop                PRODUCER  the commit that holds the event
    └─ process shop             CONSUMER  matching its rules
       └─ run RULE              INTERNAL  written when the run is over
          └─ step NAME          INTERNAL  written when the step is over
             └─ try ACTION      CLIENT    each one; its context is the outgoing `traceparent`

Bodies, headers and queries are in no span. Errors are masked.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry.trace import SpanKind

from hookagent.config.model import Source
from hookagent.event import Event, Origin, RawRequest
from hookagent.job import FINAL, Outcome, RunState, Step, StepState
from hookagent.pipeline.telemetry.context import FIELD, Context, parse, span_id, trace_id, written
from hookagent.pipeline.telemetry.meters import SYSTEM, Attributes, Meters
from hookagent.pipeline.telemetry.spans import NS_PER_MS, Spans, Told, Value
from hookagent.store.base import Run

CLOUD_EVENTS = {
    "ce-id": "cloudevents.event_id",
    "ce-source": "cloudevents.event_source",
    "ce-type": "cloudevents.event_type",
    "ce-specversion": "cloudevents.event_spec_version",
    "ce-subject": "cloudevents.event_subject",
}
VALUE_MAX = 200
"""Characters of a stranger's word in an attribute."""
STORING_MAX = 20_000
"""Events whose commit is timed at once; the queue before the store is shorter."""
FAILED = frozenset({"again", "never", "interrupted"})

OUR_FAULT = 500
"""From this status on the span of a request has failed: "For HTTP status codes in the 4xx range
span status MUST be left unset in case of SpanKind.SERVER", says OpenTelemetry's convention."""


class Tracing:
    """Tells a collector; made by `setup`."""

    def __init__(
        self,
        spans: Spans | None,
        meters: Meters | None,
        *,
        incoming: str,
        mask: Callable[[str], str],
        now_ns: Callable[[], int],
    ) -> None:
        self._spans = spans
        self._meters = meters
        self._incoming = incoming
        self._mask = mask
        self._now_ns = now_ns
        self._storing: dict[str, int] = {}

    # Contexts.

    def of_event(self, event: Event) -> Context:
        """Return the context of an event's delivery.

        An event of our own was not delivered: it belongs to the try that emitted it.
        """
        if event.origin is Origin.INTERNAL:
            return parse(_only(event.request)) or self._root(event.id)
        came = self._came_with(event.request)
        if came is not None and self._incoming == "continue" and event.origin is Origin.LIVE:
            return came.child(event.id, "delivery")
        return self._root(event.id)

    def _root(self, event_id: str) -> Context:
        trace = trace_id(event_id)
        flags = self._spans.flags(trace) if self._spans is not None else 0
        return Context(trace, span_id(event_id, "delivery"), flags)

    def _came_with(self, request: RawRequest) -> Context | None:
        return parse(_only(request)) if self._incoming != "ignore" else None

    def traceparent(self, event: Event, run_id: str, step: int, started: int) -> str:
        """Return what an outgoing request of one try carries; empty where nothing is traced.

        The try is known by when it began: a run that a person revives counts from one again.
        """
        if self._spans is None:
            return ""
        return written(self.of_event(event).child(run_id, step, started))

    # The front door.

    def storing(self, event: Event) -> None:
        """Note that an event was given to the store."""
        if len(self._storing) < STORING_MAX:
            self._storing[event.id] = self._now_ns()

    def delivered(  # noqa: PLR0913, PLR0917 - what is known of one delivery
        self,
        source: Source,
        request: RawRequest,
        outcome: str,
        status: int,
        code: str,
        event: Event | None,
        event_id: str,
    ) -> None:
        """Tell of an answered delivery."""
        began, ended = request.received_at * NS_PER_MS, self._now_ns()
        stored_at = self._storing.pop(event.id, 0) if event is not None else 0
        error = code if outcome == "rejected" else ""
        if self._meters is not None:
            self._measure_delivery(source, request, status, error, max(ended - began, 0))
            if outcome == "accepted":
                self._meters.sent.add(1, _messaging(source.name, "send"))
        if self._spans is None:
            return
        context = self.of_event(event) if event is not None else self._root(event_id)
        came = self._came_with(request)
        parent = came if came is not None and came.trace_id == context.trace_id else None
        links = [came] if came is not None and parent is None else []
        if outcome == "duplicate":
            links.append(self._root(event_id))
        elif event is not None and event.parent:
            links.append(self._root(event.parent))
        self._spans.write(
            Told(
                name=f"{request.method} {source.path}",
                kind=SpanKind.SERVER,
                context=context,
                parent=parent,
                began_ns=began,
                ended_ns=ended,
                attributes={
                    **_http(source, request, status),
                    **_of_event(event),
                    "hookagent.outcome": outcome,
                    **({"error.type": error} if error else {}),
                },
                links=links,
                error=error if status >= OUR_FAULT else "",
            )
        )
        if event is not None and outcome == "accepted":
            self._write_send(event, context, stored_at or ended, ended)

    def _write_send(self, event: Event, parent: Context, began: int, ended: int) -> None:
        assert self._spans is not None
        self._spans.write(
            Told(
                name=f"send {event.source}",
                kind=SpanKind.PRODUCER,
                context=parent.child(event.id, "send"),
                parent=parent,
                began_ns=began,
                ended_ns=ended,
                attributes={**_messaging(event.source, "send"), **_of_event(event)},
            )
        )

    def _measure_delivery(
        self, source: Source, request: RawRequest, status: int, error: str, ns: int
    ) -> None:
        assert self._meters is not None
        attributes: Attributes = {
            "http.request.method": request.method if request.method in source.methods else "_OTHER",
            "http.route": source.path,
            "http.response.status_code": status,
            "url.scheme": "http",
        }
        if error:
            attributes["error.type"] = error
        self._meters.requests.record(ns / 1e9, attributes)
        self._meters.sizes.record(len(request.body), attributes)

    # The worker.

    def matched(self, event: Event, rules: Sequence[str], began: int) -> None:
        """Tell that an event's rules were matched; `began` is Unix milliseconds."""
        if self._meters is not None:
            self._meters.consumed.add(1, _messaging(event.source, "process"))
        if self._spans is None:
            return
        parent = self.of_event(event)
        is_first = event.origin is Origin.INTERNAL and _only(event.request) is None
        self._spans.write(
            Told(
                name=f"process {event.source}",
                kind=SpanKind.CONSUMER,
                context=parent.child(event.id, "process"),
                parent=None if is_first else parent,
                began_ns=began * NS_PER_MS,
                ended_ns=self._now_ns(),
                attributes={
                    **_messaging(event.source, "process"),
                    **_of_event(event),
                    "hookagent.rules": list(rules),
                },
            )
        )

    # The runs.

    def settled(  # noqa: PLR0913, PLR0917 - what is known of one try
        self, event: Event, run: Run, index: int, step: Step, outcome: Outcome, tried: bool
    ) -> None:
        """Tell of a try that is recorded, and of the step and the run where they are over."""
        if tried:
            self._tell_try(event, run, index, step, outcome)
        if self._spans is None:
            return
        place = self.of_event(event).child(run.id, index)
        if step.state in {StepState.DONE, StepState.DEAD} and step.counted:
            self._spans.write(
                Told(
                    name=f"step {step.name}",
                    context=place,
                    parent=place.child(run.id),
                    began_ns=step.attempts[-step.counted].started_at * NS_PER_MS,
                    ended_ns=_end(step) * NS_PER_MS,
                    attributes={
                        "hookagent.action": step.action,
                        "hookagent.step.attempts": step.counted,
                    },
                    error=self._error(step) if step.state is StepState.DEAD else "",
                )
            )
        if run.state in FINAL or run.state is RunState.DEAD:
            self._tell_run(event, run)

    def _tell_try(self, event: Event, run: Run, index: int, step: Step, outcome: Outcome) -> None:
        attempt = step.attempts[-1]
        error = self._error(step) if attempt.outcome in FAILED else ""
        attributes: Attributes = {
            "hookagent.action": step.action,
            "hookagent.outcome": attempt.outcome,
        }
        output = getattr(outcome, "output", None)
        asked = _asked(output) if step.action == "agent" else {}
        if self._meters is not None:
            self._meters.tries.record(attempt.ms / 1_000, attributes)
            self._measure_asked(asked, attempt.ms)
        if self._spans is None:
            return
        place = self.of_event(event).child(run.id, index, attempt.started_at)
        answer = output.get("status") if isinstance(output, dict) else None
        self._spans.write(
            Told(
                name=f"try {step.action}",
                kind=SpanKind.CLIENT,
                context=place,
                parent=place.child(run.id, index),
                began_ns=attempt.started_at * NS_PER_MS,
                ended_ns=(attempt.started_at + attempt.ms) * NS_PER_MS,
                attributes={
                    **attributes,
                    "hookagent.attempt": len(step.attempts),
                    **({"http.response.status_code": answer} if isinstance(answer, int) else {}),
                    **asked,
                },
                error=error,
            )
        )

    def _measure_asked(self, asked: Mapping[str, Value], ms: int) -> None:
        """Count what a conversation with a model took."""
        if not asked or self._meters is None:
            return
        said: Attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": str(asked.get("gen_ai.request.model", "")),
        }
        self._meters.asked.record(ms / 1_000, said)
        for kind in ("input", "output"):
            number = asked.get(f"gen_ai.usage.{kind}_tokens")
            if isinstance(number, int):
                self._meters.tokens.record(number, {**said, "gen_ai.token.type": kind})

    def _tell_run(self, event: Event, run: Run) -> None:
        error = self._mask(run.reason)[:VALUE_MAX] if run.state is RunState.DEAD else ""
        if self._meters is not None:
            attributes: Attributes = dict(_messaging(event.source, "process"))
            if run.state is RunState.DEAD:
                attributes["error.type"] = "dead"
            lasted = max(run.ended_at - event.received_at, 0)
            self._meters.processed.record(lasted / 1_000, attributes)
        if self._spans is None:
            return
        root = self.of_event(event)
        self._spans.write(
            Told(
                name=f"run {run.rule}",
                context=root.child(run.id),
                parent=root.child(event.id, "process") if event.id else None,
                began_ns=run.created_at * NS_PER_MS,
                ended_ns=run.ended_at * NS_PER_MS,
                attributes={
                    "hookagent.rule": run.rule,
                    "hookagent.run.id": run.id,
                    "hookagent.run.state": str(run.state),
                    **_of_event(event),
                },
                error=error,
            )
        )

    def _error(self, step: Step) -> str:
        return self._mask(step.attempts[-1].error)[:VALUE_MAX] or "failed"


def _only(request: RawRequest) -> bytes | None:
    """Return the `traceparent` of a request that has exactly one."""
    fields = request.headers.all(FIELD)
    return fields[0] if len(fields) == 1 else None


def _end(step: Step) -> int:
    return step.attempts[-1].started_at + step.attempts[-1].ms


def _messaging(source: str, operation: str) -> dict[str, str | int]:
    return {
        "messaging.system": SYSTEM,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": source,
    }


def _http(source: Source, request: RawRequest, status: int) -> dict[str, Value]:
    return {
        "http.request.method": request.method,
        "http.route": source.path,
        "http.response.status_code": status,
        "url.scheme": "http",
        "url.path": source.path,
        "http.request.body.size": len(request.body),
        **({"client.address": request.client_ip} if request.client_ip else {}),
    }


def _of_event(event: Event | None) -> dict[str, Value]:
    if event is None:
        return {}
    found: dict[str, Value] = {
        "messaging.message.id": event.id,
        "messaging.message.body.size": len(event.request.body),
        "hookagent.event.type": event.type[:VALUE_MAX],
        "hookagent.event.origin": str(event.origin),
    }
    for field, name in CLOUD_EVENTS.items():
        value = event.request.headers.text(field)
        if value is not None:
            found[name] = value[:VALUE_MAX]
    return found


def _asked(output: object) -> dict[str, Value]:
    """Return what the `agent` action said of its conversation."""
    if not isinstance(output, dict):
        return {}
    usage: Any = output.get("usage")
    found: dict[str, Value] = {"gen_ai.operation.name": "chat"}
    if model := output.get("model"):
        found["gen_ai.request.model"] = str(model)[:VALUE_MAX]
    for kind in ("input", "output"):
        number = usage.get(f"{kind}_tokens") if isinstance(usage, dict) else None
        if isinstance(number, int):
            found[f"gen_ai.usage.{kind}_tokens"] = number
    return found
