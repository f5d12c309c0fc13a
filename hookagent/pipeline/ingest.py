"""The front door: from a request to a stored event and its answer.

`Ingest` knows nothing of sockets. The listener asks `admit` before it reads a body and `receive`
with the whole request; tests and `replay --dry-run` can ask the same. Every delivery gets exactly
one `Answer`; a 2xx for an event exists only after the store's commit.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from hookagent import payload
from hookagent.errors import did_you_mean
from hookagent.event import Event, Origin, RawRequest, new_id
from hookagent.pipeline.answer import (
    BAD_ENCODING,
    FAILED,
    FORBIDDEN,
    NOT_JSON,
    TOO_MANY,
    UNAUTHORIZED,
    UNAVAILABLE,
    Answer,
)
from hookagent.pipeline.feed import Delivered, Feed
from hookagent.pipeline.gate import Gate, type_of
from hookagent.pipeline.limiter import FailureLimiter
from hookagent.pipeline.origin import REPLAY_HEADER, ReplayMark, fetched, read_mark
from hookagent.store.base import Accepted, Rejected, Store, StoreFull, StoreUnavailable
from hookagent.tunnel.relayed import RELAY_HEADER, is_rebuilt
from hookagent.verdict import Code, Integrity, Verdict

REJECTED_BODY_MAX = 64 * 1024
"""How much of an unverified body is kept (SECURITY 3.1)."""
NOWHERE = "-"
"""Stands for the source where a request went to none."""
TOO_OFTEN = "too-many-failures"
"""What a refusal that is no longer looked at counts as."""
PATH_SHOWN_MAX = 200
"""How much of an unknown path the operator is shown."""

_HEAD_CODES = {
    404: "unknown-path",
    405: "wrong-method",
    413: "too-large",
    415: "content-encoding",
    503: "busy",
    505: "http-version",
}


REFUSALS: Mapping[int, Answer] = {401: UNAUTHORIZED, 403: FORBIDDEN, 503: UNAVAILABLE}
"""By the status of the verdict; 503 where a published key is not at hand yet."""

Reply = Callable[[Answer], None]
"""Sends the answer of one delivery."""


HINTS_PER_MINUTE = 60
"""So often a wrong path is compared with the right ones: it costs more than the answer."""
WENT_WELL = frozenset({"accepted", "duplicate"})
"""Outcomes too frequent to be told where nobody asked for every delivery."""


class Desk(Protocol):
    """The worker as the front door sees it."""

    @property
    def owner(self) -> str: ...

    def wants(self, event: Event) -> bool:
        """Whether an event is to be routed; False where no rule asks for it."""

    def lease(self, now: int) -> int:
        """Return until when an event may stay in memory, or 0 where there is no room for one."""

    def offer(self, event: Event) -> None:
        """Hand over an event that was stored under a lease from `lease`."""

    def note(self, event: Event) -> None:
        """Hear of an event that was stored as one that no rule asks for."""


def softened(request: RawRequest, verdict: Verdict) -> Verdict:
    """Call it unverifiable, not forged, where a relay wrote the signed bytes anew.

    It stays refused; so the header can be claimed by anyone and gains nothing.
    """
    if verdict.code is not Code.MISMATCH or not is_rebuilt(request.headers.text(RELAY_HEADER)):
        return verdict
    detail = "a relay wrote the body anew, so the signed bytes are gone"
    return msgspec.structs.replace(verdict, code=Code.UNVERIFIABLE, detail=detail)


class Ingest:
    """Judges deliveries and stores the genuine ones."""

    def __init__(  # noqa: PLR0913 - the parts it is wired to
        self,
        gates: Mapping[str, Gate],
        store: Store,
        feed: Feed,
        desk: Desk,
        *,
        clock: Callable[[], int],
        entropy: Callable[[], int],
        replay_key: bytes,
        limiter: FailureLimiter,
    ) -> None:
        self._gates = {gate.source.path: gate for gate in gates.values()}
        self._store = store
        self._feed = feed
        self._desk = desk
        self._clock = clock
        self._entropy = entropy
        self._replay_key = replay_key
        self._limiter = limiter
        self._hints = FailureLimiter(HINTS_PER_MINUTE)

    def gate(self, path: str) -> Gate | None:
        """Return the source at exactly this path."""
        return self._gates.get(path)

    @staticmethod
    def admit(gate: Gate, method: str, encodings: Sequence[str]) -> Answer | None:
        """Refuse what can be refused before the body is read; None lets it in.

        `encodings` are the values of `Content-Encoding`.
        """
        if method not in gate.methods:
            return gate.wrong_method
        if encodings and any(one.strip().lower() not in {"", "identity"} for one in encodings):
            return BAD_ENCODING
        return None

    def turned_away(self, answer: Answer, method: str, path: str, gate: Gate | None) -> None:
        """Tell of a request that was refused by its head: the wrong path is found out this way."""
        code = _HEAD_CODES.get(answer.status, "refused")
        if self._feed.counts is not None:
            name = gate.source.name if gate else NOWHERE
            self._feed.counts.delivered((name, "", "rejected", code, 0))
        if not self._feed.has_listeners:
            return
        detail = f"{method} {path[:PATH_SHOWN_MAX]}"
        if gate is None and self._hints.failed("", self._clock()):
            near = did_you_mean(path[:PATH_SHOWN_MAX], self._gates)
            detail += f"; {near}" if near else ""
        self._feed.publish(
            Delivered(
                at=self._clock(),
                outcome="rejected",
                status=answer.status,
                source=gate.source.name if gate else NOWHERE,
                code=code,
                detail=detail,
            )
        )

    def receive(self, gate: Gate, request: RawRequest, reply: Reply) -> None:
        """Judge one whole delivery; store it if it is genuine.

        `reply` is called once: at once for a refusal, and for an accepted delivery when the commit
        that holds it is on disk.
        """
        answer = self._judge(gate, request, reply)
        if answer is not None:
            reply(answer)

    def _judge(self, gate: Gate, request: RawRequest, reply: Reply) -> Answer | None:
        """Return the answer, or None where the store's commit will give it."""
        mark: ReplayMark | None = None
        if REPLAY_HEADER in request.headers:
            mark = read_mark(request, self._replay_key)
            request = msgspec.structs.replace(
                request, headers=request.headers.without(REPLAY_HEADER)
            )
        verdict = self._verdict(gate, request, mark)
        if gate.handshakes is not None:
            shaken = gate.handshakes.answer(request, verdict)
            if shaken is not None:
                self._tell(gate, request, "handshake", shaken.status, verdict=verdict)
                return shaken
        if not verdict.valid:
            return self._refuse(gate, request, softened(request, verdict))
        if request.method not in gate.source.methods:
            return gate.wrong_method
        value = None
        if gate.must_parse or request.body:
            read = gate.read(request)
            if isinstance(read, payload.Parsed):
                value = read.value
            elif gate.must_parse:
                return self._reject(gate, request, verdict, NOT_JSON, f"bad-body: {read.reason}")
        event = self._event(gate, request, verdict, value, mark)
        return self._store_it(gate, event, reply)

    @staticmethod
    def _verdict(gate: Gate, request: RawRequest, mark: ReplayMark | None) -> Verdict:
        """Say whether a delivery is genuine: by its address, its signature, or who fetched it."""
        if mark is None and not gate.allows(request.client_ip):
            return Verdict(
                valid=False,
                scheme=gate.source.scheme.name,
                code=Code.ADDRESS,
                detail=f"`{request.client_ip or 'unknown'}` is not in allow_ips",
            )
        judged = gate.verifier.verify(request, request.received_at)
        return fetched(request, judged) if mark and mark.origin is Origin.FETCHED else judged

    def _event(
        self,
        gate: Gate,
        request: RawRequest,
        verdict: Verdict,
        value: Any,
        mark: ReplayMark | None,
    ) -> Event:
        """Make the event of a genuine delivery."""
        source = gate.source
        key = gate.key_of(request, value, verdict)
        origin = Origin.LIVE if mark is None else mark.origin
        if mark is not None and origin is Origin.REPLAY:
            key += b"#" + mark.nonce.encode()
        return Event(
            id=new_id("evt", request.received_at, self._entropy()),
            source=source.name,
            type=type_of(source, request, value),
            key=key,
            request=request,
            verdict=verdict,
            origin=origin,
            parent="" if mark is None else mark.parent,
            payload=value,
        )

    def _store_it(self, gate: Gate, event: Event, reply: Reply) -> Answer | None:
        """Give an event to the store; the answer follows its commit."""
        desk = self._desk
        is_quiet = not desk.wants(event)
        lease = 0 if is_quiet else desk.lease(event.request.received_at)
        owner = desk.owner if lease else ""
        if self._feed.tracing is not None:
            self._feed.tracing.storing(event)
        try:
            pending = self._store.accept(event, owner=owner, lease_until=lease, is_quiet=is_quiet)
        except StoreFull:
            self._tell(gate, event.request, "rejected", 503, event=event, code="queue-full")
            return UNAVAILABLE

        hand_on = desk.note if is_quiet else desk.offer if lease else None

        def committed(done: "asyncio.Future[Accepted]") -> None:
            reply(self._answer(gate, event, done, hand_on))

        pending.add_done_callback(committed)
        return None

    def _answer(
        self,
        gate: Gate,
        event: Event,
        done: "asyncio.Future[Accepted]",
        hand_on: Callable[[Event], None] | None,
    ) -> Answer:
        """Turn the commit's outcome into the answer, and hand the event on."""
        if done.cancelled() or done.exception() is not None:
            return self._unstored(gate, event, done)
        accepted = done.result()
        word = "duplicate" if accepted.is_duplicate else "accepted"
        answer = gate.fixed_answer or Answer(
            200, b'{"status":"%b","id":"%b"}' % (word.encode(), accepted.id.encode())
        )
        if gate.echo:
            answer = gate.echoed(answer, event.request)
        self._tell(gate, event.request, word, answer.status, event=event, event_id=accepted.id)
        if hand_on is not None and not accepted.is_duplicate:
            hand_on(event)
        return answer

    def _unstored(self, gate: Gate, event: Event, done: "asyncio.Future[Accepted]") -> Answer:
        """Answer a delivery whose commit failed: nothing was promised."""
        error = None if done.cancelled() else done.exception()
        if error is not None and not isinstance(error, StoreUnavailable):
            done.get_loop().call_exception_handler(
                {"message": "a delivery could not be stored", "exception": error}
            )
            return FAILED
        self._tell(
            gate,
            event.request,
            "rejected",
            503,
            event=event,
            code="unavailable",
            detail=str(error or ""),
        )
        return UNAVAILABLE

    def _refuse(self, gate: Gate, request: RawRequest, verdict: Verdict) -> Answer:
        """Answer a delivery that is not genuine: the same words whatever failed.

        An address that fails too often is no longer recorded, only told to wait; a genuine
        delivery from the same address is never held up.
        """
        if not self._limiter.failed(request.client_ip, request.received_at):
            if self._feed.counts is not None:
                self._feed.counts.delivered((gate.source.name, "", "rejected", TOO_OFTEN, 0))
            return TOO_MANY
        answer = REFUSALS[verdict.status]
        return self._reject(gate, request, verdict, answer, str(verdict.code))

    def _reject(
        self, gate: Gate, request: RawRequest, verdict: Verdict, answer: Answer, error: str
    ) -> Answer:
        rejected = Rejected(
            id=new_id("rej", request.received_at, self._entropy()),
            source=gate.source.name,
            request=msgspec.structs.replace(request, body=request.body[:REJECTED_BODY_MAX]),
            verdict=verdict,
            status=answer.status,
            error=error,
        )
        self._store.reject(rejected)
        code, _, reason = error.partition(": ")
        self._tell(
            gate,
            request,
            "rejected",
            answer.status,
            verdict=verdict,
            event_id=rejected.id,
            code=code,
            detail=reason or verdict.detail,
        )
        return answer

    def _tell(  # noqa: PLR0913 - one line has that many columns
        self,
        gate: Gate,
        request: RawRequest,
        outcome: str,
        status: int,
        *,
        event: Event | None = None,
        verdict: Verdict | None = None,
        event_id: str = "",
        code: str = "",
        detail: str = "",
    ) -> None:
        """Count what was answered, and publish it if anybody listens."""
        counts, tracing = self._feed.counts, self._feed.tracing
        if tracing is not None:
            said = code or (str(verdict.code) if verdict else "")
            tracing.delivered(gate.source, request, outcome, status, said, event, event_id)
        if counts is not None:
            why = code or (str(verdict.code) if verdict else "")
            ms = self._clock() - request.received_at
            counts.delivered((gate.source.name, event.type if event else "", outcome, why, ms))
        if not self._feed.has_listeners:
            return
        if outcome in WENT_WELL and not self._feed.wants_every:
            return
        judged = verdict or (event.verdict if event else None)
        now = self._clock()
        self._feed.publish(
            Delivered(
                at=now,
                outcome=outcome,
                status=status,
                source=gate.source.name,
                id=event_id or (event.id if event else ""),
                type=event.type if event else "",
                code=code or (str(judged.code) if judged else ""),
                detail=detail,
                integrity=str(judged.integrity if judged else Integrity.NONE),
                origin=str(event.origin) if event else "live",
                parent=event.parent if event else "",
                size=len(request.body),
                ms=now - request.received_at,
                skew=_skew(judged, request),
            )
        )


def _skew(verdict: Verdict | None, request: RawRequest) -> int | None:
    if verdict is None or not verdict.valid or verdict.signed_at is None:
        return None
    return verdict.signed_at - request.received_at
