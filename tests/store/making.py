"""Events, runs and refusals for the tests of the store."""

from hashlib import sha256
from typing import Any

from hookagent.event import Event, Headers, Origin, RawRequest, new_id
from hookagent.job import RunState, Step
from hookagent.store.base import Rejected, Run
from hookagent.verdict import Code, Integrity, Verdict

T0 = 1_700_000_000_000
HEADERS = Headers([(b"Host", b"example.test"), (b"X-A", b"1"), (b"x-a", b"\xff2"), (b"Empty", b"")])


def event(n: int, **changes) -> Event:
    """Event number n; the same number has the same key unless `key` says otherwise."""
    body = changes.pop("body", b'{"n": %d}' % n)
    at = changes.pop("at", T0 + n)
    key = changes.pop("key", sha256(b"%d" % n).digest())
    verdict = Verdict(
        valid=True,
        scheme="github",
        code=changes.pop("code", Code.OK),
        integrity=changes.pop("integrity", Integrity.BODY),
        secret_index=changes.pop("secret_index", 0),
        signed_at=changes.pop("signed_at", None),
        content_key=changes.pop("content_key", key),
        detail=changes.pop("detail", ""),
    )
    request = RawRequest(
        method="POST",
        target=f"/hooks/a?n={n}",
        headers=HEADERS,
        body=body,
        received_at=at,
        client_ip="192.0.2.7",
        base_url="https://example.test",
    )
    given = {"id": new_id("evt", at, n), "source": "github", "type": "push"} | changes
    return Event(key=key, request=request, verdict=verdict, **given)


def replay(n: int, of: Event) -> Event:
    return event(n, origin=Origin.REPLAY, parent=of.id)


def run(n: int, of: Event | None, rule: str = "label", **changes) -> Run:
    given: dict[str, Any] = {
        "id": f"run_{T0 + n:012x}{n:012x}",
        "event_id": of.id if of else "",
        "rule": rule,
        "created_at": T0 + n,
        "steps": [Step(name="one", action="log")],
    } | changes
    return Run(**given)


def running(n: int, of: Event | None, rule: str = "label", **changes) -> Run:
    leased = {"state": RunState.RUNNING, "owner": "w", "lease_until": T0 + 60_000}
    return run(n, of, rule, **(leased | changes))


def refusal(n: int, source: str = "github", body: bytes = b"no") -> Rejected:
    verdict = Verdict(valid=False, scheme="github", code=Code.MISMATCH, detail="not this")
    request = RawRequest(headers=HEADERS, body=body, received_at=T0 + n, target="/x")
    return Rejected(
        id=new_id("rej", T0 + n, n),
        source=source,
        request=request,
        verdict=verdict,
        status=403,
        error="wrong-signature",
    )
