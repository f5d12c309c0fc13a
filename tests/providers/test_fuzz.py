"""Hostile deliveries: whatever is sent, verification raises nothing and accepts nothing.

Every scheme of the catalogue is tried. Generated deliveries start from one that another key signed,
so that they get deep into the check, and are then spoilt; the cases S1 to S15 that are known from
other programs' faults stand by themselves. The long form makes a million deliveries.
"""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from random import Random
from statistics import median
from time import perf_counter_ns

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookagent.event import Headers, RawRequest
from hookagent.providers.shape import Family
from hookagent.providers.verify import Verifier
from hookagent.verdict import Verdict
from tests.providers.kit import NOW, OTHER_KEY, Kit, kit, sample, scheme_names
from tests.providers.test_verify import covers_bytes

NAMES = scheme_names()
EXAMPLES = 500
EXAMPLES_EACH = 12
"""For each scheme in a normal run, some three thousand together."""
EXAMPLES_LONG = 1_000_000 // len(NAMES) + 1
DAY_MS = 86_400_000
CHECKED = [name for name in NAMES if kit(name).scheme.family is not Family.NONE]


def judged(name: str, request: RawRequest, now: int = NOW) -> Verdict:
    """Return the verdict; anything raised fails the test."""
    return verifier_of(name).verify(request, now)


# Generated deliveries

HOSTILE = (
    b"", b" ", b",", b"=", b"v1,", b"v1=", b"t=", b"t=,v1=", b"sha256=", b"Bearer ", b"\x00", b"\xff\xfe",
    "é".encode(), "\uff11\uff17\uff10".encode(), b"1_700_000_000", b"-1", b"+1700000000", b"1e9", b"nan", b"inf",
    b"9" * 400, b"0x10", b"a" * 64, b"0" * 64, b"A" * 44, b"====", b"!!!!", b"*" * 64, b"." * 30, b"..",
    b"eyJhbGciOiJub25lIn0.e30.", b"Basic =", b"Basic Og==", b"\xe2\x80\x8b", b"a=b;c=d", b"=;=;=", b"|", b"&|&",
    b"sig1=:AAAA:", b'sig1=("@method");created=1', b"v1=" + b"," * 500, b"v1,a " * 40, b"https://evil.test/key",
)  # fmt: skip
HOSTILE_BODIES = (
    b"", b"null", b"[]", b"{}", b"0", b'""', b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b'{"a":' * 500,
    b"[" * 5000, b'{"type":{"type":[]}}', b'{"id":1,"id":2}', b"9" * 5000, b'"\\ud800"', b"a=1&a=2&&=&%",
    b"%zz=%", b"bt_payload=&bt_signature=|", b"--x\r\n\r\n", gzip.compress(b"{}")[:9], b"eyJ.e30.",
    b'{"SigningCertURL":"https://evil.test/x.pem","Signature":"AA==","Type":"Notification"}',
    b'{"notificationItems":[{}]}', b'{"notificationItems":[{"NotificationRequestItem":null}]}',
)  # fmt: skip
PAYLOADS = st.one_of(
    st.binary(max_size=64),
    st.text(max_size=32).map(str.encode),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=5,
    ).map(lambda value: json.dumps(value).encode()),
)
QUERIES = ("", "", "?", "?signature=", "?token=a&token=b", "?%ff=%", "?bodySHA256=00")
METHODS = ("POST", "POST", "GET", "", "post", "P\xd6ST")
MOMENTS = (NOW, NOW, NOW, 0, -1, NOW + DAY_MS, 2**62)


WAYS: tuple[Callable[[bytes, bytes, int], list[bytes]], ...] = (
    lambda _value, _hostile, _at: [],
    lambda value, _hostile, _at: [value, value],
    lambda value, hostile, _at: [value, hostile],
    lambda value, hostile, _at: [hostile, value],
    lambda value, _hostile, at: [value[:at]],
    lambda value, hostile, at: [value[:at] + hostile + value[at:]],
    lambda value, hostile, at: [value[:at] + hostile],
    lambda value, _hostile, _at: [b",".join([value] * 20)],
    lambda value, _hostile, _at: [b" ".join([value] * 20)],
    lambda value, _hostile, _at: [value.swapcase()],
    lambda value, _hostile, _at: [b" " + value + b"\t="],
    lambda value, hostile, at: [value[:at] + hostile[:1] + value[at + 1 :]],
    lambda _value, hostile, _at: [hostile],
)
"""What becomes of a header field: from its value, a hostile one and a place to the values it gets."""


def spoilt_values(chance: Random, value: bytes) -> list[bytes]:
    """Return the values a header field gets instead of its own: none, one or several."""
    hostile = chance.choice(HOSTILE) if chance.random() < 0.7 else chance.randbytes(8)
    return chance.choice(WAYS)(value, hostile, chance.randint(0, len(value)))


def spoilt(request: RawRequest, chance: Random, body: bytes | None) -> RawRequest:
    """Return a delivery with some of its fields, its body and its query spoilt."""
    pairs: list[tuple[bytes, bytes]] = []
    for field, value in request.headers.pairs:
        values = spoilt_values(chance, value) if chance.random() < 0.5 else [value]
        pairs += [(field, one) for one in values]
    if body is None:
        body = request.body if chance.random() < 0.5 else chance.choice(HOSTILE_BODIES)
    path = request.target if chance.random() < 0.7 else chance.choice(("/in", "", "*", "//"))
    return msgspec.structs.replace(
        request,
        method=chance.choice(METHODS),
        target=path + chance.choice(QUERIES),
        headers=Headers(pairs),
        body=body,
    )


@lru_cache(maxsize=512)
def foreign(name: str) -> RawRequest:
    """Return a delivery that another key signed; it is refused however little is changed."""
    return kit(name, OTHER_KEY).signed()


def check_one(name: str, seed: int, body: bytes | None = None) -> None:
    """Try one scheme with one spoilt delivery, which the seed makes again."""
    chance = Random(seed)
    request = spoilt(foreign(name), chance, body)
    verdict = verifier_of(name).verify(request, chance.choice(MOMENTS))
    assert not verdict.valid or name not in CHECKED
    assert verdict.detail or verdict.valid


@lru_cache(maxsize=512)
def verifier_of(name: str) -> Verifier:
    return kit(name).verifier()


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 2**64), st.none() | PAYLOADS)
def test_a_spoilt_delivery_raises_nothing_and_is_refused(
    name: str, seed: int, body: bytes | None
) -> None:
    check_one(name, seed, body)


@pytest.mark.parametrize("name", NAMES)
def test_every_scheme_refuses_spoilt_deliveries(name: str) -> None:
    for seed in range(EXAMPLES_EACH):
        check_one(name, seed)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_every_scheme_refuses_a_share_of_a_million(name: str) -> None:
    for seed in range(EXAMPLES_LONG):
        check_one(name, seed)


# The cases of other programs' faults, by their numbers

Requests = Iterator[RawRequest]


@lru_cache(maxsize=512)
def signed(name: str) -> RawRequest:
    return kit(name).signed()


def genuine_of(kitted: Kit) -> RawRequest:
    """Return a delivery that is accepted as it is."""
    return signed(kitted.scheme.name)


def signature_field(kitted: Kit, request: RawRequest) -> tuple[str, bytes] | None:
    """Return name and value of the header the signature stands in, if it stands in one."""
    for name in kitted.scheme.place.names if kitted.scheme.place.kind == "header" else ():
        values = request.headers.all(name.replace("{n}", "1"))
        if values:
            return name.replace("{n}", "1"), values[0]
    return None


def with_value(request: RawRequest, name: str, *values: bytes) -> RawRequest:
    """Return the request with a field that has exactly these values."""
    pairs = [*request.headers.without(name).pairs, *((name.encode(), value) for value in values)]
    return msgspec.structs.replace(request, headers=Headers(pairs))


def each_value(kitted: Kit, change: Callable[[bytes], list[bytes]]) -> Requests:
    """Yield the genuine delivery with its signature header written otherwise."""
    genuine = genuine_of(kitted)
    found = signature_field(kitted, genuine)
    if found is not None:
        for value in change(found[1]):
            yield with_value(genuine, found[0], value)


def s1_unsigned(kitted: Kit) -> Requests:
    if kitted.scheme.place.kind == "header" or not kitted.scheme.place.kind:
        yield sample(kitted.scheme)
        yield RawRequest()


def s2_another_route(kitted: Kit) -> Requests:
    genuine = genuine_of(kitted)
    parts = ("url", "target", "path")
    if kitted.scheme.strategy == "twilio" or any(kitted.scheme.signed.uses(one) for one in parts):
        yield msgspec.structs.replace(genuine, target="/hooks/other")


def s3_what_raised_elsewhere(kitted: Kit) -> Requests:
    texts = (b"v1", b"v1,", b",", b"v1,\xff", b"sha256", b"t=abc,v1=00", b"v0=\x80", b"\xc3\xa9")
    yield from each_value(kitted, lambda _: list(texts))


def s4_not_ascii(kitted: Kit) -> Requests:
    yield from each_value(kitted, lambda value: [value + b"\xe9", b"\xff" * 64, "é".encode()])


def s5_doubled(kitted: Kit) -> Requests:
    genuine = genuine_of(kitted)
    found = signature_field(kitted, genuine)
    if found is not None and not kitted.scheme.framing.repeats:
        yield with_value(genuine, found[0], found[1], found[1])
        yield with_value(genuine, found[0], b"0", found[1])
        yield with_value(genuine, found[0], found[1], b"0")


def s6_a_short_signature(kitted: Kit) -> Requests:
    def shortened(value: bytes) -> list[bytes]:
        return [
            value.rstrip(b"=")[:-1],
            value[: len(value) // 2],
            value[:8],
            value[:3],
            b"v1,",
            b"v1=",
            b"",
        ]

    yield from each_value(kitted, shortened)


def s7_another_algorithm(kitted: Kit) -> Requests:
    def renamed(value: bytes) -> list[bytes]:
        prefix = kitted.scheme.framing.prefix.encode()
        bare = value.removeprefix(prefix)
        return [
            other + bare for other in (b"sha1=", b"sha512=", b"md5=", b"none=") if other != prefix
        ]

    if kitted.scheme.framing.kind == "plain":
        yield from each_value(kitted, renamed)
    if kitted.scheme.family is Family.JWT:
        unsigned = b"eyJhbGciOiJub25lIn0.e30."
        yield from each_value(kitted, lambda _: [unsigned, b"Bearer " + unsigned])


def s8_written_another_way(kitted: Kit) -> Requests:
    def otherwise(value: bytes) -> list[bytes]:
        middle = len(value) * 3 // 4
        marks = (b"!!", b"*", b" ", b"\t", b"_", b"%", b"\x00")
        return [
            *(value[:middle] + mark + value[middle:] for mark in marks),
            value + b"==",
            value + b"\x00",
        ]

    yield from each_value(kitted, otherwise)


def s9_too_many(kitted: Kit) -> Requests:
    framing = kitted.scheme.framing
    if framing.kind != "plain":
        separator = framing.separator.encode()
        wrong = (framing.tag + framing.assign + framing.prefix).encode() + b"0" * 64
        yield from each_value(kitted, lambda value: [separator.join([*[wrong] * 17, value])])


def s10_at_another_time(kitted: Kit) -> Requests:
    rule = kitted.scheme.timestamp
    if rule is not None and rule.tolerance_ms:
        beyond = rule.tolerance_ms + 1000
        for moment in (NOW - beyond, NOW + beyond, NOW + 10**12, 0):
            yield kitted.signed(now=moment)


def s11_with_a_retired_secret(kitted: Kit) -> Requests:
    yield foreign(kitted.scheme.name)


def s12_another_body(kitted: Kit) -> Requests:
    genuine = genuine_of(kitted)
    in_body = kitted.scheme.jwt is not None and kitted.scheme.jwt.in_body
    if covers_bytes(kitted.scheme) and not in_body:  # white space around a token is none of it
        text = genuine.body.decode()
        others = (text.encode("utf-16"), b"\xef\xbb\xbf" + genuine.body, genuine.body + b"\n", b"")
        for body in (*others, gzip.compress(genuine.body), gzip.compress(genuine.body)[:1]):
            yield msgspec.structs.replace(genuine, body=body)


def s13_with_an_empty_key(kitted: Kit) -> Requests:
    if kitted.scheme.family is Family.HMAC and kitted.scheme.secret.form == "utf-8":
        # A key of zero octets is to an HMAC what an empty one is.
        yield replace(kitted, signing="\0").signed()


def s14_in_the_query(kitted: Kit) -> Requests:
    genuine = genuine_of(kitted)
    found = signature_field(kitted, genuine)
    if found is not None:
        query = f"?{found[0]}={found[1].decode('latin-1')}"
        moved = msgspec.structs.replace(genuine, target=genuine.target.partition("?")[0] + query)
        yield msgspec.structs.replace(moved, headers=genuine.headers.without(found[0]))


def s15_forwarded(kitted: Kit) -> Requests:
    other = foreign(kitted.scheme.name)
    fields = {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1", "X-Real-IP": "::1"}
    yield msgspec.structs.replace(
        other, headers=other.headers.with_fields(fields), client_ip="127.0.0.1"
    )


CASES: tuple[Callable[[Kit], Requests], ...] = (
    s1_unsigned,
    s2_another_route,
    s3_what_raised_elsewhere,
    s4_not_ascii,
    s5_doubled,
    s6_a_short_signature,
    s7_another_algorithm,
    s8_written_another_way,
    s9_too_many,
    s10_at_another_time,
    s11_with_a_retired_secret,
    s12_another_body,
    s13_with_an_empty_key,
    s14_in_the_query,
    s15_forwarded,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_known_attack_is_refused_by_every_scheme(case: Callable[[Kit], Requests]) -> None:
    tried = 0
    wrong = []
    for name in CHECKED:
        for at, request in enumerate(case(kit(name))):
            tried += 1
            if judged(name, request).valid:
                wrong.append((name, at))
    assert not wrong
    assert tried


# Timing

WARM_UP = 1_000
ROUNDS = 10_000
TIMED = ("github", "stripe", "standard-webhooks", "hubspot/v1", "token")


def timed(name: str, requests: list[RawRequest]) -> list[float]:
    """Return the median time of each request's verification; they take turns in every order."""
    verifier = kit(name).verifier()
    spans: list[list[int]] = [[] for _ in requests]
    for turn in range(WARM_UP + ROUNDS):
        for place in range(len(requests)):
            index = (turn + place) % len(requests)
            start = perf_counter_ns()
            verifier.verify(requests[index], NOW)
            span = perf_counter_ns() - start
            if turn >= WARM_UP:
                spans[index].append(span)
    return [median(span) for span in spans]


@pytest.mark.long
@pytest.mark.parametrize("name", TIMED)
def test_the_place_of_the_wrong_byte_does_not_show_in_the_time(name: str) -> None:
    kitted = kit(name)
    genuine = genuine_of(kitted)
    found = signature_field(kitted, genuine)
    assert found is not None
    value = found[1]
    start = max(value.rfind(mark) + 1 for mark in (b"=", b",")) if b"v1" in value else 0
    start = len(b"sha256=") if value.startswith(b"sha256=") else start
    if value.endswith(b"="):
        start = value.find(b",") + 1
    first = value[:start] + (b"0" if value[start:][:1] != b"0" else b"1") + value[start + 1 :]
    end = len(value.rstrip(b"=")) - 2
    last = value[:end] + (b"0" if value[end : end + 1] != b"0" else b"1") + value[end + 1 :]
    requests = [with_value(genuine, found[0], one) for one in (first, last, first)]
    verdicts = [judged(name, request) for request in requests]
    assert {(verdict.code, verdict.detail, verdict.status) for verdict in verdicts} == {
        (verdicts[0].code, verdicts[0].detail, verdicts[0].status)
    }
    one, other, again = timed(name, requests)
    print(name, "first", one, "last", other, "first again", again, "ns")
    assert abs(one - other) <= max(0.01 * one, 3 * abs(one - again))
