"""Adapter: the front door on a real store, without a socket."""

import asyncio
import json
from dataclasses import replace

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookagent.event import Headers, RawRequest
from hookagent.pipeline.gate import Gate
from hookagent.pipeline.origin import mark_replay
from hookagent.providers import catalog
from hookagent.providers.privatekeys import make_pair
from hookagent.providers.shape import Family, KeyRule
from hookagent.providers.sign import sign
from hookagent.providers.verify import Verifier
from hookagent.store.base import EventFilter, StoreFull
from tests.patience import PATIENCE_S
from tests.pipeline.conftest import NOW
from tests.whole.served import signature


def delivery(payload, *, sign=True, **fields):
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    headers = {"Content-Type": "application/json"}
    if sign:
        headers["X-Shop-Signature"] = signature(body)
    return RawRequest(
        target="/hooks/shop", headers=Headers.of(headers), body=body, received_at=NOW, **fields
    )


def receive(ingest, gate, request):
    """Hand a delivery in; return a future of its answer."""
    answered = asyncio.get_running_loop().create_future()
    ingest.receive(gate, request, answered.set_result)
    return answered


async def test_a_genuine_delivery_is_stored_before_it_is_answered(make_ingest, gate, store, desk):
    ingest = make_ingest(gate)

    answer = await receive(ingest, gate, delivery({"id": "1", "type": "order.paid"}))

    said = json.loads(answer.body)
    record = await store.event(said["id"])
    assert (answer.status, said["status"]) == (200, "accepted")
    assert (record.event.type, record.event.source) == ("order.paid", "shop")
    assert [event.id for event in desk.offered] == [said["id"]]


async def test_a_redelivery_is_acknowledged_counted_and_not_handed_on(
    make_ingest, gate, store, desk
):
    ingest = make_ingest(gate)
    first = json.loads((await receive(ingest, gate, delivery({"id": "1", "n": 1}))).body)

    second = json.loads((await receive(ingest, gate, delivery({"id": "1", "n": 2}))).body)

    assert second == {"status": "duplicate", "id": first["id"]}
    assert (await store.event(first["id"])).summary.duplicates == 1
    assert len(desk.offered) == 1


async def test_a_hundred_redeliveries_at_once_are_one_event(make_ingest, gate, store):
    ingest = make_ingest(gate)

    answers = [receive(ingest, gate, delivery({"id": "1"})) for _ in range(100)]
    words = [json.loads((await answer).body)["status"] for answer in answers]

    assert words.count("accepted") == 1
    assert len(await store.events(EventFilter())) == 1


async def test_without_its_dedup_field_the_signed_bytes_are_the_identity(make_ingest, gate):
    ingest = make_ingest(gate)

    words = [
        json.loads((await receive(ingest, gate, delivery(p))).body)["status"]
        for p in ({"a": 1}, {"a": 1}, {"a": 2})
    ]

    assert words == ["accepted", "duplicate", "accepted"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (delivery({"id": "1"}, sign=False), 401),
        (
            RawRequest(
                headers=Headers.of({"X-Shop-Signature": "sha256=" + "0" * 64}),
                body=b"{}",
                received_at=NOW,
            ),
            403,
        ),
        (
            RawRequest(
                headers=Headers.of({"X-Shop-Signature": "nonsense"}), body=b"{}", received_at=NOW
            ),
            403,
        ),
        (delivery(b"not json"), 400),
    ],
)
async def test_refusals_are_answered_at_once_and_kept_for_the_operator(
    make_ingest, gate, store, request_, status
):
    ingest = make_ingest(gate)

    pending = receive(ingest, gate, request_)

    assert pending.done()
    answer = pending.result()
    assert answer.status == status
    assert set(json.loads(answer.body)) == {"error", "message"}
    kept = await _eventually(lambda: store.rejected(limit=5))
    assert [one.status for one in kept] == [status]


async def _eventually(ask):
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await ask()):  # noqa: ASYNC110 - a refusal is written without promise
            await asyncio.sleep(0.01)
    return found


async def test_every_failed_check_looks_the_same_to_a_stranger(make_ingest, gate):
    ingest = make_ingest(gate)
    wrong = [b"sha256=" + b"0" * 64, b"sha256=0", b"\xff", b"", b"sha1=" + b"0" * 40]

    answers = {
        receive(
            ingest,
            gate,
            RawRequest(
                headers=Headers([(b"X-Shop-Signature", value)]), body=b"{}", received_at=NOW
            ),
        ).result()
        for value in wrong
    }

    assert len({(answer.status, answer.body, answer.headers) for answer in answers}) == 1


async def test_an_address_that_is_not_allowed_is_refused_and_an_unknown_one_too(make_ingest, gate):
    from dataclasses import replace
    from ipaddress import ip_network

    source = replace(gate.source, allow_ips=(ip_network("192.0.2.0/24"),))
    narrow = Gate(source, gate.verifier, None)
    ingest = make_ingest(narrow)

    statuses = [
        (await receive(ingest, narrow, delivery({"id": ip or "none"}, client_ip=ip))).status
        for ip in ("192.0.2.7", "198.51.100.1", "")
    ]

    assert statuses == [200, 403, 403]


async def test_a_full_queue_is_503_with_retry_after_and_promises_nothing(
    make_ingest, gate, store, monkeypatch
):
    ingest = make_ingest(gate)

    def full(*_args, **_kwargs):
        raise StoreFull("full")

    monkeypatch.setattr(store, "accept", full)
    answer = receive(ingest, gate, delivery({"id": "1"})).result()

    assert (answer.status, dict(answer.headers)) == (503, {"Retry-After": "5"})


async def test_where_the_worker_has_no_room_the_event_waits_in_the_store(
    make_ingest, gate, store, desk
):
    desk.has_room = False
    ingest = make_ingest(gate)

    await receive(ingest, gate, delivery({"id": "1"}))
    claimed = await store.claim_events("other", now=NOW, lease_until=NOW + 1, limit=10)

    assert desk.offered == []
    assert len(claimed) == 1


async def test_too_many_failures_of_one_address_are_told_to_wait_but_genuine_ones_pass(
    make_ingest, gate, store
):
    ingest = make_ingest(gate, per_minute=3)

    bad = [
        receive(ingest, gate, delivery({"id": "1"}, sign=False)).result().status for _ in range(5)
    ]
    good = await receive(ingest, gate, delivery({"id": "1"}))

    assert bad == [401, 401, 401, 429, 429]
    assert good.status == 200


async def test_a_replay_with_its_proof_is_a_new_event_with_a_parent(make_ingest, gate, store):
    ingest = make_ingest(gate)
    request = delivery({"id": "1"})
    first = json.loads((await receive(ingest, gate, request)).body)

    marked = mark_replay(request, parent=first["id"], nonce="n1", key=b"k" * 32)
    again = json.loads((await receive(ingest, gate, marked)).body)
    record = await store.event(again["id"])

    assert again["status"] == "accepted"
    assert (record.event.origin, record.event.parent) == ("replay", first["id"])
    assert record.event.request.headers == request.headers


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=60),
    st.lists(
        st.tuples(
            st.sampled_from(
                [b"X-Shop-Signature", b"Content-Type", b"X-Hookagent-Replay", b"X-Other"]
            ),
            st.binary(max_size=40),
        ),
        max_size=4,
    ),
)
async def test_whatever_a_stranger_sends_gets_an_answer(make_ingest, gate, body, headers):
    ingest = make_ingest(gate)

    answer = await receive(
        ingest,
        gate,
        RawRequest(target="/hooks/shop", headers=Headers(headers), body=body, received_at=NOW),
    )

    assert answer.status in {401, 403, 429}


async def test_an_unknown_path_is_shown_to_the_operator_with_the_nearest(make_ingest, gate, feed):
    from hookagent.pipeline.answer import NOT_FOUND

    ingest = make_ingest(gate)
    subscription = feed.subscribe()

    ingest.turned_away(NOT_FOUND, "POST", "/hooks/shopp", None)

    (told,) = await subscription.batch()
    assert (told.status, told.code) == (404, "unknown-path")
    assert "did you mean `/hooks/shop`?" in told.detail


async def test_without_the_providers_key_the_sender_is_asked_to_come_again(
    make_ingest, gate, store
):
    scheme = msgspec.structs.replace(
        catalog.scheme("github"),
        algorithm="rsa-sha256",
        keys=KeyRule(urls=("https://keys.test/a.pem",), hosts=("keys.test",)),
    )
    waiting = Gate(replace(gate.source, scheme=scheme), Verifier(scheme, []), None)
    private, _ = make_pair(Family.RSA)
    request = sign(scheme, delivery({"id": "1"}, sign=False), private, now=NOW)

    answer = receive(make_ingest(waiting), waiting, request).result()

    assert answer.status == 503
    assert dict(answer.headers)["Retry-After"]
    kept = await _eventually(lambda: store.rejected(limit=5))
    assert [(one.status, one.error) for one in kept] == [(503, "key-unavailable")]
    assert "at hand" in kept[0].verdict.detail


async def test_adobe_sign_gets_its_client_id_back_with_every_answer(make_ingest, gate):
    provider = catalog.load("adobe-sign")
    source = replace(
        gate.source, scheme=provider.scheme, handshakes=provider.handshakes, secrets=("client-1",)
    )
    echoing = Gate(source, Verifier(provider.scheme, ["client-1"]), None)
    headers = Headers.of({"X-AdobeSign-ClientId": "client-1"})
    request = RawRequest(headers=headers, body=b"{}", received_at=NOW)

    answer = await receive(make_ingest(echoing), echoing, request)

    assert answer.status == 200
    assert answer.headers == (("X-AdobeSign-ClientId", "client-1"),)
