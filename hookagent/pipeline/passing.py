"""`hookagent forward`: everything that comes is stored, passed on, and answered by the application.

Nothing is configured and nothing verified: a delivery's source is the provider its headers are
known by, else `unknown`, and its verdict says that nothing was checked. No rule sees it. The way is
that of any event, but for its end: the answer waits for the application's, within a time limit;
what the application said is recorded as the one step of a run.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from hookagent.config.model import Source
from hookagent.errors import OutsideError
from hookagent.event import Event, Headers, RawRequest, new_id
from hookagent.job import Attempt, RunState, Step, StepState
from hookagent.pipeline.answer import Answer, refusal
from hookagent.pipeline.feed import Feed, Matched, Ran
from hookagent.pipeline.gate import Gate
from hookagent.pipeline.ingest import Ingest, Reply
from hookagent.pipeline.origin import REPLAY_HEADER
from hookagent.providers import catalog
from hookagent.providers.detect import recognized
from hookagent.providers.provider import Provider
from hookagent.providers.verify import Verifier
from hookagent.store.base import Routed, Run, Store, StoreUnavailable
from hookagent.verdict import Verdict

UNKNOWN = "unknown"
RULE = "forward"
"""What the run is called that says how the application answered."""
METHODS = ("POST", "GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
LEASE_SPARE_MS = 60_000
BODY_KEPT_MAX = 16_384
"""How much of the application's answer is kept with the event, in characters."""
NOT_PASSED_BACK = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding",
        "upgrade", "content-length", "content-type", "server", "x-content-type-options",
    },
)  # fmt: skip
"""Of one hop only (RFC 9110, 7.6.1), or written by the listener itself."""

UNREACHABLE = refusal(502, "bad-gateway", "The application did not answer.")
TOO_SLOW = refusal(504, "gateway-timeout", "The application took too long to answer.")


class Reached(Protocol):
    """What a `Sender` returns."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def ms(self) -> float: ...


class Post(Protocol):
    """A `Sender`, as this module needs it."""

    async def send(self, request: RawRequest, url: str) -> Reached:
        """Send one request. Raises OutsideError."""


class OpenGate(Gate):
    """A source that checks nothing and takes everything; each delivery is an event of its own."""

    def key_of(self, request: RawRequest, value: Any, verdict: Verdict) -> bytes:
        """Return a key no other delivery has: a sender that repeats itself is passed on again."""
        del request, value, verdict
        return os.urandom(16)


def open_gate(provider: Provider | None, max_body: int) -> OpenGate:
    """Make the gate of a provider, or of those nobody recognised."""
    source = Source(
        name=provider.name if provider else UNKNOWN,
        path="/",
        scheme=catalog.scheme("none"),
        methods=METHODS,
        max_body=max_body,
        type=provider.type if provider else (),
        body="any",
        provider=provider.name if provider else None,
        is_insecure=True,
    )
    return OpenGate(source, Verifier(source.scheme, ()), None)


class PassingDesk:
    """Takes no work: an event stays leased to whoever passes it on."""

    def __init__(self, owner: str, limit_ms: int) -> None:
        self.owner = owner
        self._lease_ms = limit_ms + LEASE_SPARE_MS
        self._event: Event | None = None

    def wants(self, _event: Event) -> bool:
        """Want every event: it is passed on, whatever rules there are."""
        return True

    def lease(self, now: int) -> int:
        """Return until when an event is ours."""
        return now + self._lease_ms

    def offer(self, event: Event) -> None:
        """Keep the event that was just stored; its reply comes next, before anything else."""
        self._event = event

    note = offer

    def taken(self) -> Event | None:
        """Return the event that was just stored, once."""
        event, self._event = self._event, None
        return event


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The application."""

    url: str
    """With a path, everything goes there; without one, each request keeps its own."""
    limit_ms: int = 25_000
    """How long its answer is waited for."""

    def url_of(self, request: RawRequest) -> str:
        """Return where one request goes."""
        parts = urlsplit(self.url)
        base = f"{parts.scheme}://{parts.netloc}"
        if parts.path in {"", "/"}:
            return base + request.target
        return base + parts.path + (f"?{request.query}" if request.query else "")


class Passing(Ingest):
    """The front door of `hookagent forward`."""

    def __init__(  # noqa: PLR0913 - the parts it is wired to
        self,
        target: Target,
        post: Post,
        store: Store,
        feed: Feed,
        desk: PassingDesk,
        *,
        max_body: int,
        **parts: Any,
    ) -> None:
        gates: Mapping[str, Gate] = {}
        super().__init__(gates, store, feed, desk, **parts)
        self._target = target
        self._post = post
        self._waiting_desk = desk
        self._max_body = max_body
        self._entrance = open_gate(None, max_body)
        self._by_provider: dict[str, OpenGate] = {}
        self._underway: set[asyncio.Task[None]] = set()

    def gate(self, path: str) -> Gate:  # noqa: ARG002 - every path is taken
        """Return what every path has: room for a body of a certain size."""
        return self._entrance

    @staticmethod
    def admit(gate: Gate, method: str, encodings: Sequence[str]) -> Answer | None:  # noqa: ARG004 - encoded bodies go on as they are
        """Refuse what is no method of HTTP; everything else is the application's to judge."""
        return None if method in gate.methods else gate.wrong_method

    def receive(self, gate: Gate, request: RawRequest, reply: Reply) -> None:  # noqa: ARG002 - the provider decides
        """Store a delivery, pass it on, and answer as the application does."""

        def stored(answer: Answer) -> None:
            event = self._waiting_desk.taken()
            if event is None:
                reply(answer)  # it could not be stored, so it is not passed on
                return
            task = asyncio.ensure_future(self._pass_on(event, reply))
            self._underway.add(task)
            task.add_done_callback(self._underway.discard)

        super().receive(self._gate_of(request), request, stored)

    def _tell(
        self, gate: Gate, request: RawRequest, outcome: str, status: int, **more: Any
    ) -> None:
        """Publish what was answered; what is stored is told with the application's answer."""
        if outcome != "accepted":
            super()._tell(gate, request, outcome, status, **more)

    def _gate_of(self, request: RawRequest) -> Gate:
        provider = recognized(request)
        if provider is None:
            return self._entrance
        found = self._by_provider.get(provider.name)
        if found is None:
            found = self._by_provider[provider.name] = open_gate(provider, self._max_body)
        return found

    async def settle(self) -> None:
        """Wait for what is being passed on: each of it ends within the limit."""
        if self._underway:
            await asyncio.wait(self._underway)

    # Passing on.

    async def _pass_on(self, event: Event, reply: Reply) -> None:
        """Ask the application, answer the sender, and record both."""
        started = self._clock()
        answer, outcome = await self._ask(event)
        reply(answer)
        try:
            await self._record(event, outcome, started)
        except StoreUnavailable as error:
            outcome = msgspec.structs.replace(outcome, error=f"not recorded: {error.message}")
        self._tell_end(event, answer.status, outcome)

    async def _ask(self, event: Event) -> "tuple[Answer, Outcome]":
        request = passed_on(event)
        url = self._target.url_of(request)
        try:
            async with asyncio.timeout(self._target.limit_ms / 1000):
                reached = await self._post.send(request, url)
        except TimeoutError:
            error = f"no answer within {self._target.limit_ms / 1000:g} s"
            return TOO_SLOW, Outcome(url=url, error=error)
        except OutsideError as outside:
            return UNREACHABLE, Outcome(url=url, error=outside.message)
        error = f"answered {reached.status}" if reached.status >= 400 else ""  # noqa: PLR2004 - HTTP's errors
        body = reached.body[:BODY_KEPT_MAX].decode("utf-8", "replace")
        outcome = Outcome(url=url, status=reached.status, body=body, error=error)
        return passed_back(reached), outcome

    async def _record(self, event: Event, outcome: "Outcome", started: int) -> None:
        now = self._clock()
        is_good = not outcome.error
        attempt = Attempt(
            started_at=started,
            ms=now - started,
            outcome="done" if is_good else "never",
            error=outcome.error,
        )
        step = Step(
            name=RULE,
            action="forward",
            state=StepState.DONE if is_good else StepState.DEAD,
            attempts=[attempt],
            output={"url": outcome.url, "status": outcome.status, "body": outcome.body},
        )
        run = Run(
            id=new_id("run", now, self._entropy()),
            event_id=event.id,
            rule=RULE,
            state=RunState.DONE if is_good else RunState.DISCARDED,
            step=1 if is_good else 0,
            steps=[step],
            created_at=started,
            ended_at=now,
            reason=outcome.error,
        )
        await self._store.route(self._desk.owner, [Routed(event_id=event.id, runs=[run])])

    def _tell_end(self, event: Event, status: int, outcome: "Outcome") -> None:
        now = self._clock()
        gate = self._by_provider.get(event.source, self._entrance)
        super()._tell(gate, event.request, "accepted", status, event=event)
        run = f"{event.id}.forward"
        self._feed.publish(Matched(at=now, id=event.id, rules=[RULE], runs=[run]))
        self._feed.publish(
            Ran(
                at=now,
                id=event.id,
                run=run,
                rule=RULE,
                state="failed" if outcome.error else "done",
                ms=now - event.received_at,
                step=RULE,
                error=outcome.error,
            )
        )


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How the application took one delivery."""

    url: str
    status: int = 0
    """0: it did not answer."""
    body: str = ""
    error: str = ""


def passed_on(event: Event) -> RawRequest:
    """Return what the application gets: what came, and how to find it again.

    The host the sender used is told as proxies do, for applications that check what was signed.
    """
    request = event.request
    more = {"X-Hookagent-Event": event.id}
    host = request.headers.text("host")
    if host and "x-forwarded-host" not in request.headers:
        more["X-Forwarded-Host"] = host
    headers = request.headers.without(REPLAY_HEADER, "accept-encoding", "expect")
    return msgspec.structs.replace(request, headers=headers.with_fields(more))


def passed_back(reached: Reached) -> Answer:
    """Return the application's answer as the listener sends it."""
    fields = Headers.of(reached.headers)
    named = ",".join(value.decode("latin-1") for value in fields.all("connection")).lower()
    dropped = NOT_PASSED_BACK | {name.strip() for name in named.split(",")}
    return Answer(
        status=reached.status,
        body=reached.body,
        content_type=fields.text("content-type") or "application/octet-stream",
        headers=tuple(pair for pair in reached.headers if pair[0].lower() not in dropped),
    )
