"""A failed delivery is explained by what would have made it right."""

import gzip
import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookagent.event import Headers, RawRequest
from hookagent.providers import catalog
from hookagent.providers.detect import likely_schemes
from hookagent.providers.diagnose import Case, Cause, Diagnosis, Other, diagnose
from hookagent.providers.sign import sign
from hookagent.verdict import Code
from tests.providers.kit import BASE_URL, NOW, kit, sample, scheme_names

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STRIPE = catalog.scheme("stripe")
BODY = '{"id": "evt_1", "n": 1.5, "text": "zwölf / ✓"}\n'.encode()
REQUEST = sign(
    STRIPE,
    RawRequest(body=BODY, headers=Headers.of({"Content-Type": "application/json"})),
    SECRET,
    now=NOW,
)
replace = msgspec.structs.replace


def found(**changed: Any) -> Diagnosis:
    base: dict[str, Any] = {
        "scheme": STRIPE,
        "request": REQUEST,
        "secrets": (SECRET,),
        "now": NOW,
    }
    return diagnose(Case(**(base | changed)))


def renamed(old: str, new: str) -> RawRequest:
    value = REQUEST.headers.text(old) or ""
    return replace(REQUEST, headers=REQUEST.headers.without(old).with_fields({new: value}))


def test_a_genuine_delivery_is_said_to_be() -> None:
    assert found().cause is Cause.GENUINE


def test_a_header_that_is_missing_doubled_or_has_another_name() -> None:
    without = replace(REQUEST, headers=REQUEST.headers.without("stripe-signature"))
    assert found(request=without).cause is Cause.HEADER_MISSING
    misnamed = found(request=renamed("stripe-signature", "X-Stripe-Signature"))
    assert misnamed.cause is Cause.HEADER_MISNAMED
    assert "`X-Stripe-Signature`" in misnamed.evidence
    doubled = replace(REQUEST, headers=Headers(REQUEST.headers.pairs * 2))
    assert found(request=doubled).cause is Cause.HEADER_DOUBLED


def test_a_stale_signature_that_is_right_says_by_how_much() -> None:
    stale = found(now=NOW + 400_000)
    assert stale.cause is Cause.STALE
    assert "signed 400 s ago" in stale.evidence
    zone = found(now=NOW + 7_200_000)
    assert "2 h" in zone.evidence
    assert "clock" in zone.mend
    assert found(now=NOW - 400_000).cause is Cause.AHEAD


def test_a_stale_signature_that_is_wrong_as_well_says_both() -> None:
    both = found(now=NOW + 400_000, secrets=("another-secret-entirely",))
    assert both.cause is Cause.WRONG_SECRET
    assert "400 s ago" in both.evidence
    assert both.verdict.code is Code.STALE


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda body: body + b"\n", "line end was added"),
        (lambda body: body.rstrip(b"\n"), "line end at the end was taken off"),
        (lambda body: b"\xef\xbb\xbf" + body, "byte order mark was added"),
        (lambda body: body.decode().encode("utf-8").decode("latin-1").encode(), "ISO-8859-1"),
        (gzip.compress, "gzip"),
    ],
)
def test_a_changed_body_names_the_change(change: Any, words: str) -> None:
    changed = found(request=replace(REQUEST, body=change(BODY)))
    assert changed.cause is Cause.BODY_CHANGED, changed
    assert words in changed.evidence
    assert changed.secret_index == 0


@pytest.mark.parametrize(
    "write",
    [
        compact,
        lambda value: json.dumps(value).encode(),
        lambda value: json.dumps(value, indent=2, ensure_ascii=False).encode(),
        lambda value: compact(value).replace(b"/", b"\\/"),
    ],
)
def test_json_that_was_written_anew_is_named(write: Any) -> None:
    value = json.loads(BODY)
    signed = sign(STRIPE, RawRequest(body=write(value)), SECRET, now=NOW)
    arrived = replace(signed, body=json.dumps(value, indent=1).encode())
    changed = found(request=arrived)
    assert changed.cause is Cause.BODY_CHANGED
    assert "parsed and written again" in changed.evidence


def test_line_ends_and_forms_in_another_order() -> None:
    crlf = sign(STRIPE, RawRequest(body=b"a\r\nb\r\n"), SECRET, now=NOW)
    assert "CRLF" in found(request=replace(crlf, body=b"a\nb\n")).evidence
    form = sign(STRIPE, RawRequest(body=b"a=1&b=2+x"), SECRET, now=NOW)
    assert "another order" in found(request=replace(form, body=b"b=2+x&a=1")).evidence
    assert "%20" in found(request=replace(form, body=b"a=1&b=2%20x")).evidence


@pytest.mark.parametrize(
    ("secret", "words"),
    [(f"{SECRET}\n", "white space"), (f" {SECRET}", "white space"), (f'"{SECRET}"', "quotes")],
)
def test_a_secret_with_something_around_it(secret: str, words: str) -> None:
    explained = found(secrets=("other-secret-000", secret))
    assert explained.cause is Cause.SECRET_FORM
    assert words in explained.evidence
    assert explained.secret_index == 1


def test_a_prefix_that_was_decoded_or_not() -> None:
    request = RawRequest(body=b"{}")
    raw = sign(catalog.scheme("standard-webhooks/raw-secret"), request, SECRET, now=NOW)
    explained = found(scheme=catalog.scheme("standard-webhooks"), request=raw)
    assert explained.cause is Cause.SECRET_FORM
    assert "not decoded" in explained.evidence
    decoded = sign(catalog.scheme("standard-webhooks"), request, SECRET, now=NOW)
    other = found(scheme=catalog.scheme("standard-webhooks/raw-secret"), request=decoded)
    assert other.cause is Cause.SECRET_FORM
    assert "base64-decoded" in other.evidence


def test_hex_that_was_read_as_text() -> None:
    key = bytes(range(32)).hex()
    hexed = catalog.scheme("authorize-net")
    signed = sign(hexed, RawRequest(body=b"{}"), key, now=NOW)
    plain = replace(hexed, secret=catalog.scheme("github").secret)
    explained = found(scheme=plain, request=signed, secrets=(key,))
    assert explained.cause is Cause.SECRET_FORM
    assert "hex-decoded" in explained.evidence


def test_another_secret_or_scheme_that_is_at_hand() -> None:
    others = (Other(scheme=STRIPE, secrets=(SECRET,), source="billing"),)
    explained = found(secrets=("wrong-secret-000",), others=others)
    assert (explained.cause, explained.source) == (Cause.OTHER_SECRET, "billing")
    github = sign(catalog.scheme("github"), RawRequest(body=BODY), SECRET, now=NOW)
    schemes = tuple(Other(scheme=scheme) for scheme in likely_schemes(github, 40))
    explained = found(request=github, others=schemes)
    assert explained.cause is Cause.OTHER_SCHEME
    assert explained.scheme in {other.scheme.name for other in schemes}


def test_the_wrong_encoding() -> None:
    github = catalog.scheme("github")
    based = replace(github, framing=replace(github.framing, encoding="base64"))
    signed = sign(based, RawRequest(body=BODY), SECRET, now=NOW)
    explained = found(scheme=github, request=signed)
    assert explained.cause is Cause.WRONG_ENCODING
    assert "base64" in explained.evidence
    junk = signed.headers.with_fields({"X-Hub-Signature-256": "sha256=zz"})
    assert found(scheme=github, request=replace(signed, headers=junk)).cause is Cause.MALFORMED


def test_milliseconds_for_seconds() -> None:
    value = (REQUEST.headers.text("stripe-signature") or "").replace(
        "t=1700000000", "t=1700000000000"
    )
    changed = replace(REQUEST, headers=REQUEST.headers.with_fields({"Stripe-Signature": value}))
    explained = found(request=changed)
    assert explained.cause is Cause.WRONG_UNIT
    assert "unix-ms" in explained.mend


def test_another_url_than_the_one_that_was_signed() -> None:
    square = catalog.scheme("square")
    request = RawRequest(target="/h", body=b"{}", headers=Headers.of({"Host": "pub.example"}))
    signed = sign(square, request, SECRET, now=NOW, base_url="https://pub.example")
    for base in ("http://pub.example", "http://127.0.0.1:8787", "https://pub.example:8443"):
        explained = found(scheme=square, request=signed, base_url=base)
        assert explained.cause is Cause.URL_DIFFERS, base
    without = found(scheme=square, request=replace(signed, base_url=""))
    assert without.cause is Cause.PART_MISSING
    assert "public_url" in without.mend


def test_a_token_a_test_event_a_relay_and_nothing_at_all() -> None:
    token = kit("gitlab")
    wrong = found(scheme=token.scheme, request=token.signed(), secrets=("another",))
    assert wrong.cause is Cause.WRONG_TOKEN
    test = sign(STRIPE, RawRequest(body=b'{"livemode":false}'), SECRET, now=NOW)
    assert found(request=test, secrets=("another-secret-0",)).cause is Cause.TEST_SECRET
    relayed = found(secrets=("another-secret-0",), is_relayed=True)
    assert (relayed.cause, relayed.verdict.code) == (Cause.RELAY, Code.UNVERIFIABLE)
    assert found(secrets=("another-secret-0",)).cause is Cause.WRONG_SECRET


def test_a_token_that_an_export_masked_is_not_said_to_be_wrong() -> None:
    request = RawRequest(body=BODY, headers=Headers.of({"X-Gitlab-Token": "***"}))

    masked = found(scheme=kit("gitlab").scheme, request=request)

    assert masked.cause is Cause.MASKED
    assert "`X-Gitlab-Token`" in masked.evidence


def test_a_published_test_secret_is_recognised() -> None:
    zendesk = catalog.load("zendesk")
    signed = sign(zendesk.scheme, RawRequest(body=b"{}"), zendesk.test_secrets[0], now=NOW)
    explained = found(scheme=zendesk.scheme, request=signed)
    assert explained.cause is Cause.TEST_SECRET
    assert "published" in explained.evidence


def test_a_secret_or_key_that_cannot_be_one() -> None:
    assert found(scheme=catalog.scheme("discord"), secrets=("not a key",)).cause is Cause.KEY
    assert found(secrets=()).cause is Cause.KEY


def test_no_explanation_shows_a_secret_or_an_expected_signature() -> None:
    for name in scheme_names():
        kitted = kit(name)
        right = kitted.signed()
        changed = replace(right, body=right.body + b" ", target=right.target + "&z=1")
        expected = kitted.signed(replace(sample(kitted.scheme), body=changed.body))
        place = kitted.scheme.place
        signature = expected.headers.text(place.name) if place.kind == "header" else None
        explained = diagnose(
            Case(
                scheme=kitted.scheme,
                request=changed,
                secrets=(kitted.verifying,),
                now=NOW + 10_000_000,
                settings=kitted.settings,
                base_url=BASE_URL,
            )
        )
        said = explained.evidence + explained.mend + explained.verdict.detail + repr(explained)
        assert kitted.verifying not in said
        assert signature is None or signature not in said


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(scheme_names()), st.binary(max_size=60), st.binary(max_size=60))
def test_any_delivery_is_explained(name: str, body: bytes, value: bytes) -> None:
    kitted = kit(name)
    pairs = [(header.encode(), value) for header in kitted.scheme.place.names]
    request = RawRequest(body=body, headers=Headers(pairs), target="/?x")
    case = Case(scheme=kitted.scheme, request=request, secrets=(kitted.verifying,), now=NOW)
    assert isinstance(diagnose(case), Diagnosis)


def test_headers_hint_at_who_sent_it() -> None:
    github = sign(
        catalog.scheme("github"),
        RawRequest(headers=Headers.of({"X-GitHub-Event": "push", "X-GitHub-Delivery": "1"})),
        SECRET,
        now=NOW,
    )
    assert likely_schemes(github)[0].name == "github"
    assert likely_schemes(REQUEST)[0].name == "stripe"
    assert list(likely_schemes(RawRequest())) == []
