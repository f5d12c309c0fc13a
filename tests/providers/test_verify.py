"""Every scheme of the catalogue: signed requests verify, changed ones do not, nothing raises."""

import os
from functools import lru_cache
from itertools import pairwise

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookagent.errors import ConfigError
from hookagent.event import Headers, RawRequest
from hookagent.providers import catalog
from hookagent.providers.quick import is_quick
from hookagent.providers.scheme import Scheme
from hookagent.providers.shape import STATIC, Family
from hookagent.providers.verify import Verifier
from hookagent.verdict import Code, Integrity, Verdict
from tests.providers.kit import BASE_URL, NOW, OTHER_KEY, kit, sample, scheme_names

NAMES = scheme_names()
CHECKED = [name for name in NAMES if kit(name).scheme.family is not Family.NONE]


def covers_bytes(scheme: Scheme) -> bool:
    """Whether every byte of the body counts, not only what the payload says."""
    if scheme.integrity is not Integrity.BODY or scheme.stated_integrity:
        return False
    return scheme.strategy != "aws-sns" and not scheme.signed.uses("body_jcs")


COVERING = [name for name in NAMES if covers_bytes(kit(name).scheme)]
QUICK = [
    name for name in NAMES if kit(name).scheme.family is Family.HMAC and is_quick(kit(name).scheme)
]
replace = msgspec.structs.replace


def signature_headers(scheme: Scheme) -> list[str]:
    names = [name.replace("{n}", "1") for name in scheme.place.names]
    if scheme.place.kind != "header":
        names = []
    if scheme.family is Family.BASIC:
        names = ["Authorization"]
    if scheme.family is Family.MESSAGE:
        names = ["Signature", "Signature-Input"]
    return names


def flipped(data: bytes, bit: int) -> bytes:
    bit %= len(data) * 8
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("name", NAMES)
def test_what_sign_makes_verify_accepts(name: str) -> None:
    kitted = kit(name)
    verdict = kitted.verifier().verify(kitted.signed(), NOW)
    assert verdict.valid, verdict.detail
    assert verdict.code is (Code.UNCHECKED if kitted.scheme.family is Family.NONE else Code.OK)
    assert verdict.scheme == kitted.scheme.name
    assert verdict.integrity is kitted.scheme.integrity


def test_another_secret_does_not_match() -> None:
    for name in CHECKED:
        verdict = kit(name, OTHER_KEY).verifier().verify(kit(name).signed(), NOW)
        assert verdict.code in {Code.MISMATCH, Code.WRONG_TOKEN}, name


def test_an_unsigned_request_is_refused() -> None:
    for name in CHECKED:
        kitted = kit(name)
        verdict = kitted.verifier().verify(sample(kitted.scheme), NOW)
        assert not verdict.valid, name
        assert verdict.status in {401, 403}, name


@pytest.mark.parametrize("name", COVERING)
def test_a_changed_body_is_refused_where_the_body_is_signed(name: str) -> None:
    kitted = kit(name)
    request = kitted.signed()
    verifier = kitted.verifier()
    for bit in (0, 11, len(request.body) * 4, len(request.body) * 8 - 1):
        changed = replace(request, body=flipped(request.body, bit))
        assert not verifier.verify(changed, NOW).valid


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_signature_is_refused(name: str) -> None:
    kitted = kit(name)
    request = kitted.signed()
    verifier = kitted.verifier()
    for header in signature_headers(kitted.scheme):
        for value in request.headers.all(header):
            for bit in (5, len(value) * 4, len(value) * 8 - 14):
                changed = [
                    (field, flipped(old, bit) if old == value else old)
                    for field, old in request.headers.pairs
                ]
                verdict = verifier.verify(replace(request, headers=Headers(changed)), NOW)
                is_same = {value.lower()} == {
                    v.lower()
                    for f, v in changed
                    if v != value and f.lower() == header.lower().encode()
                }
                assert not verdict.valid or is_same, (header, bit)


def test_a_doubled_signature_header_is_refused() -> None:
    for name in NAMES:
        kitted = kit(name)
        request = kitted.signed()
        for header in signature_headers(kitted.scheme):
            values = request.headers.all(header)
            if not values or kitted.scheme.framing.repeats:
                continue
            doubled = Headers((*request.headers.pairs, (header.encode(), values[0])))
            verdict = kitted.verifier().verify(replace(request, headers=doubled), NOW)
            assert verdict.code is Code.DOUBLED, name


TIMED = [name for name in NAMES if (rule := kit(name).scheme.timestamp) and rule.tolerance_ms]


@pytest.mark.parametrize("name", TIMED)
def test_a_timestamp_outside_the_window_is_refused_in_both_directions(name: str) -> None:
    kitted = kit(name)
    rule = kitted.scheme.timestamp
    assert rule is not None
    window = rule.tolerance_ms
    request = kitted.signed()
    verifier = kitted.verifier()
    assert verifier.verify(request, NOW + window).valid
    assert verifier.verify(request, NOW - window).valid
    assert verifier.verify(request, NOW + window + 1_000).code is Code.STALE
    assert verifier.verify(request, NOW - window - 1_000).code is Code.AHEAD
    assert kitted.verifier(tolerance_ms=0).verify(request, NOW + 10**12).valid


def test_when_it_was_signed_is_told() -> None:
    for name in TIMED:
        kitted = kit(name)
        assert kitted.verifier().verify(kitted.signed(), NOW).signed_at == NOW, name


def test_content_keys_are_of_what_is_signed() -> None:
    kitted = kit("stripe")
    verifier = kitted.verifier()
    one = verifier.verify(kitted.signed(), NOW).content_key
    again = verifier.verify(kitted.signed(), NOW + 5_000).content_key
    later = verifier.verify(kitted.signed(now=NOW + 1_000), NOW).content_key
    assert one == again != later
    assert len(one) == 32


def test_any_of_several_secrets_may_match_and_its_place_is_told() -> None:
    kitted = kit("github")
    verifier = Verifier(kitted.scheme, ["wrong-secret-0001", kitted.verifying])
    verdict = verifier.verify(kitted.signed(), NOW)
    assert verdict.valid
    assert verdict.secret_index == 1


def test_any_of_several_signatures_may_match() -> None:
    kitted = kit("standard-webhooks")
    request = kitted.signed()
    right = request.headers.text("webhook-signature")
    other = kit("standard-webhooks", OTHER_KEY).signed().headers.text("webhook-signature")
    for value in (f"{other} {right}", f"v1a,AAAA {right} v9,x"):
        changed = replace(
            request, headers=request.headers.with_fields({"webhook-signature": value})
        )
        assert kitted.verifier().verify(changed, NOW).valid


def test_more_than_sixteen_signatures_are_refused() -> None:
    kitted = kit("standard-webhooks")
    request = kitted.signed()
    right = request.headers.text("webhook-signature")
    for count, code in ((16, Code.OK), (17, Code.TOO_MANY), (5_000, Code.TOO_MANY)):
        value = " ".join([str(right)] * count)
        changed = replace(
            request, headers=request.headers.with_fields({"webhook-signature": value})
        )
        assert kitted.verifier().verify(changed, NOW).code is code


def test_a_source_without_a_secret_accepts_nothing() -> None:
    for name in ("github", "stripe", "gitlab", "basic", "discord", "twilio", "netlify"):
        kitted = kit(name)
        verdict = Verifier(kitted.scheme, [], base_url=BASE_URL).verify(kitted.signed(), NOW)
        assert verdict.code is Code.KEY_UNAVAILABLE, name


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!"])
def test_a_blank_or_unreadable_secret_cannot_make_a_verifier(secret: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Verifier(catalog.scheme("svix"), [secret])
    assert not secret or secret not in str(caught.value)


def test_the_id_cannot_hold_the_character_that_ends_it() -> None:
    kitted = kit("standard-webhooks")
    request = kitted.signed(replace(sample(kitted.scheme), body=b"1.2"))
    timestamp = request.headers.text("webhook-timestamp")
    moved = request.headers.with_fields({"webhook-id": f"msg_2Lh9.{timestamp}"})
    assert not kitted.verifier().verify(replace(request, headers=moved), NOW).valid


def test_the_public_url_comes_from_configuration_and_never_from_the_request() -> None:
    kitted = kit("square")
    request = kitted.signed()
    elsewhere = replace(request, headers=request.headers.with_fields({"Host": "evil.example"}))
    assert kitted.verifier().verify(elsewhere, NOW).valid
    assert not kitted.verifier(base_url="https://evil.example").verify(request, NOW).valid


def test_a_scheme_that_signs_the_url_says_when_none_is_configured() -> None:
    kitted = kit("square")
    request = replace(kitted.signed(), base_url="")
    verdict = kitted.verifier(base_url="").verify(request, NOW)
    assert verdict.code is Code.MISSING_PART
    assert "public URL" in verdict.detail


@pytest.mark.parametrize("name", QUICK)
def test_the_short_way_says_what_the_general_way_says(name: str) -> None:
    kitted = kit(name)
    quick, general = kitted.verifier(), kitted.verifier()
    general._quick = None
    request = kitted.signed()
    header = kitted.scheme.place.name
    right = request.headers.text(header) or ""
    for value in (
        right,
        right.upper(),
        right[:-1],
        right + "A",
        "",
        "=",
        f" {right} ",
        "x" + right,
    ):
        changed = replace(request, headers=request.headers.with_fields({header: value}))
        assert quick.verify(changed, NOW) == general.verify(changed, NOW)
    for changed in (
        replace(request, body=b""),
        replace(request, headers=Headers()),
        replace(request, headers=Headers(request.headers.pairs * 2)),
    ):
        assert quick.verify(changed, NOW) == general.verify(changed, NOW)


def test_no_secret_is_in_what_a_verifier_shows() -> None:
    for name in ("github", "stripe", "gitlab", "netlify", "twilio"):
        kitted = kit(name)
        verifier = kitted.verifier()
        wrong = kit(name, OTHER_KEY).signed()
        shown = repr(verifier) + verifier.verify(wrong, NOW).detail
        assert kitted.verifying not in shown


HOSTILE = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [
            b"",
            b"=",
            b",,,,",
            b"t=1,v1=",
            b"t=,v1=zz",
            b"v1,",
            b"sha256=",
            b"sha256=" + b"g" * 64,
            "\uff11\uff12\uff13".encode(),
            b"1_000",
            b"-1",
            b"t=Infinity,v1=00",
            b"Bearer a.b.c",
            b"Basic !!",
            b"eyJhbGciOiJub25lIn0.e30.",
            b"\xff\xfe\x00",
            b"sig1=();created=1",
            b"sig1=:AAAA:",
            b"[" * 300,
            b"9" * 400,
        ]
    ),
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [
            b"",
            b"{}",
            b"[]",
            b"null",
            b'{"value":[{}]}',
            b"[" * 200,
            b'{"signature":{"timestamp":1,"token":[],"signature":"00"}}',
            b'{"notificationItems":[{"NotificationRequestItem":{}}]}',
            b'{"Type":"Notification","Signature":"AA=="}',
            b"a=1&a=2&%ff=%",
            b"p_signature=AA==&x=1",
            b"auth",
            b'{"auth":"' + b"0" * 32 + b'"}',
            b"&" * 2_000,
            "\ud800".encode("utf-8", "surrogatepass"),
        ]
    ),
)


def hostile_request(draw: st.DrawFn, scheme: Scheme) -> RawRequest:
    """Draw a request that holds the scheme's own headers with anything in them."""
    names = {"Content-Type", "Content-Encoding", *signature_headers(scheme)}
    names |= set(scheme.signed.names("header")) | {name for name, _ in scheme.require_headers}
    names |= {"X-Contentful-Signed-Headers", "X-EBAY-SIGNATURE", "X-Twilio-Signature", "Digest"}
    if scheme.timestamp and scheme.timestamp.place.kind == "header":
        names |= set(scheme.timestamp.place.names)
    if scheme.id_header:
        names.add(scheme.id_header)
    pairs = [
        (name.encode(), draw(HOSTILE))
        for name in sorted(names)
        for _ in range(draw(st.sampled_from([1, 1, 1, 0, 2])))
    ]
    target = draw(
        st.sampled_from(["/", "/a?b=1", "/?signature=zz&token=x", "/%ff?%=&&=", "//[", ""])
    )
    method = draw(st.sampled_from(["POST", "GET", "", "\udcff"]))
    return RawRequest(method=method, target=target, headers=Headers(pairs), body=draw(BODIES))


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[str, RawRequest]:
    name = draw(st.sampled_from(NAMES))
    return name, hostile_request(draw, kit(name).scheme)


@lru_cache(maxsize=512)
def verifier_of(name: str) -> Verifier:
    return kit(name).verifier()


def judge(delivery: tuple[str, RawRequest]) -> None:
    name, request = delivery
    verdict = verifier_of(name).verify(request, NOW)
    assert isinstance(verdict, Verdict)
    if kit(name).scheme.family is not Family.NONE:
        assert not verdict.valid


@settings(max_examples=800, deadline=None, suppress_health_check=list(HealthCheck))
@given(deliveries())
def test_any_bytes_give_a_verdict(delivery: tuple[str, RawRequest]) -> None:
    judge(delivery)


@pytest.mark.long
@settings(
    max_examples=int(os.environ.get("HOOKAGENT_FUZZ", "1000000")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(deliveries())
def test_a_million_hostile_deliveries_give_a_verdict(delivery: tuple[str, RawRequest]) -> None:
    judge(delivery)


@st.composite
def flips(draw: st.DrawFn) -> tuple[str, str, int, bytes]:
    covered = [name for name in COVERING if not kit(name).scheme.strategy]
    body = draw(st.binary(min_size=1, max_size=64))
    return (
        draw(st.sampled_from(covered)),
        draw(st.sampled_from(["body", "signature"])),
        draw(st.integers(0, 10_000)),
        body,
    )


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(flips())
def test_one_bit_anywhere_is_noticed(case: tuple[str, str, int, bytes]) -> None:
    name, what, bit, body = case
    kitted = kit(name)
    if kitted.scheme.jwt is not None and kitted.scheme.jwt.in_body:
        body = b"{}"
    if kitted.scheme.signed.uses("form") or kitted.scheme.place.kind in {"form", "json"}:
        return
    request = kitted.signed(replace(sample(kitted.scheme), body=body))
    assert kitted.verifier().verify(request, NOW).valid
    if what == "body":
        changed = replace(request, body=flipped(request.body, bit))
    else:
        headers = signature_headers(kitted.scheme)
        if not headers:
            return
        value = request.headers.all(headers[0])[0]
        other = flipped(value, bit)
        if other.lower() == value.lower():
            return  # hex of the other case is the same digest
        changed = replace(
            request, headers=request.headers.with_fields({headers[0]: other.decode("latin-1")})
        )
    assert not kitted.verifier().verify(changed, NOW).valid


def test_names_are_in_order_for_the_lists_people_read() -> None:
    names = catalog.names()
    assert all(one < other for one, other in pairwise(names))


def test_static_schemes_say_that_they_cover_nothing() -> None:
    for name in NAMES:
        scheme = kit(name).scheme
        if scheme.family in STATIC:
            assert scheme.integrity is Integrity.TOKEN
