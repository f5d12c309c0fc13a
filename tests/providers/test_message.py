"""HTTP message signatures (RFC 9421); its own examples are among the vectors."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.event import Headers, RawRequest
from hookagent.providers.scheme import Scheme
from hookagent.providers.shape import MessageRules
from hookagent.providers.sign import sign
from hookagent.providers.signaturebase import signature_base
from hookagent.providers.structured import Component, parse_dictionary, serialize_parameters
from hookagent.providers.verify import Verifier
from hookagent.providers.view import View
from hookagent.verdict import Code, Integrity
from tests.providers.kit import BASE_URL, NOW

SECRET = "a-shared-secret-of-thirty-two-bytes!"
RULES = MessageRules(algorithm="hmac-sha256")
REQUEST = RawRequest(
    method="POST", target="/h?a=b%20c", body=b"{}", headers=Headers.of({"Date": "today"})
)
replace = msgspec.structs.replace


def scheme(**rules: object) -> Scheme:
    return Scheme(name="m", algorithm="rfc9421", message=replace(RULES, **rules))


def signed(**rules: object) -> RawRequest:
    return sign(scheme(**rules), REQUEST, SECRET, now=NOW, base_url=BASE_URL)


def code(request: RawRequest, now: int = NOW, **rules: object) -> Code:
    return Verifier(scheme(**rules), [SECRET], base_url=BASE_URL).verify(request, now).code


def with_field(request: RawRequest, name: str, value: str) -> RawRequest:
    return replace(request, headers=request.headers.with_fields({name: value}))


def test_the_body_is_bound_through_its_digest() -> None:
    request = signed()
    assert code(request) is Code.OK
    assert scheme().integrity is Integrity.BODY
    assert code(replace(request, body=b"{ }")) is Code.DIGEST
    assert code(with_field(request, "Content-Digest", "md5=:AA==:")) is Code.DIGEST
    assert (
        code(replace(request, headers=request.headers.without("content-digest")))
        is Code.MISSING_PART
    )


def test_a_body_that_is_not_covered_is_refused_unless_the_scheme_allows_it() -> None:
    request = sign(scheme(), replace(REQUEST, body=b""), SECRET, now=NOW, base_url=BASE_URL)
    smuggled = replace(request, body=b"{}")
    assert code(smuggled) is Code.MISSING_PART
    verdict = Verifier(scheme(covers_body=False), [SECRET], base_url=BASE_URL).verify(smuggled, NOW)
    assert (verdict.valid, verdict.integrity) == (True, Integrity.ORIGIN)


def test_what_must_be_covered_is() -> None:
    assert code(signed(components=("@method", "date")), components=("date",)) is Code.OK
    assert code(signed(), components=("date",)) is Code.MISSING_PART


@pytest.mark.parametrize("field", ["method", "target", "date"])
def test_a_changed_component_is_noticed(field: str) -> None:
    request = signed(components=("@method", "@target-uri", "date"))
    changed = {
        "method": replace(request, method="PUT"),
        "target": replace(request, target="/h"),
        "date": with_field(request, "Date", "tomorrow"),
    }[field]
    assert code(changed) is Code.MISMATCH


def test_times_are_checked_in_both_directions() -> None:
    request = signed()
    assert code(request, NOW + 300_000) is Code.OK
    assert code(request, NOW + 301_000) is Code.STALE
    assert code(request, NOW - 301_000) is Code.AHEAD
    assert code(request, NOW + 10**9, max_age_seconds=0) is Code.OK
    text = request.headers.text("signature-input") or ""
    assert (
        code(with_field(request, "Signature-Input", text.replace("created=", "x=")))
        is Code.MISSING_TIMESTAMP
    )
    assert code(with_field(request, "Signature-Input", text + ";expires=1")) is Code.STALE


def test_the_algorithm_is_the_schemes() -> None:
    request = signed()
    text = (request.headers.text("signature-input") or "").replace("hmac-sha256", "ed25519")
    assert code(with_field(request, "Signature-Input", text)) is Code.MALFORMED


def test_the_label_chooses_among_several_signatures() -> None:
    request = signed()
    doubled = with_field(
        request, "Signature-Input", f"x=(),{request.headers.text('signature-input')}"
    )
    assert code(doubled) is Code.TOO_MANY
    assert code(doubled, label="sig1") is Code.OK
    assert code(doubled, label="other") is Code.MISSING


def test_the_host_is_the_configured_one() -> None:
    request = signed(components=("@authority",))
    assert code(with_field(request, "Host", "evil.example")) is Code.OK
    other = Verifier(scheme(), [SECRET], base_url="https://evil.example").verify(request, NOW)
    assert other.code is Code.MISMATCH


def test_the_signature_base_of_the_specification() -> None:
    """RFC 9421 section 2.2, its examples of derived components."""
    request = RawRequest(
        method="POST", target="/path?param=value&a=%20", base_url="https://WWW.example.com:443"
    )
    names = (
        "@method",
        "@target-uri",
        "@authority",
        "@scheme",
        "@request-target",
        "@path",
        "@query",
    )
    components = (*map(Component, names), Component("@query-param", (("name", "param"),)))
    base = signature_base(View(request, {}), components, (("created", 1),)).decode().splitlines()
    assert base[:8] == [
        '"@method": POST',
        '"@target-uri": https://www.example.com/path?param=value&a=%20',
        '"@authority": www.example.com',
        '"@scheme": https',
        '"@request-target": /path?param=value&a=%20',
        '"@path": /path',
        '"@query": ?param=value&a=%20',
        '"@query-param";name="param": value',
    ]
    assert base[8].endswith(";created=1")


@pytest.mark.parametrize(
    "text",
    ["", "a", "a=1", 'a="b"', "a=?1;b", "a=:QQ==:", 'a=("x";p=1 "y");c=2, b=1', 'a;b;c="d\\"\\\\"'],
)
def test_dictionaries_are_read(text: str) -> None:
    assert parse_dictionary(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "A=1",
        "a=",
        "a=(",
        "a=(1)",
        "a=1,",
        "a=1 b",
        "a=:Q:",
        'a="',
        "a=?2",
        "a=1.5",
        'a=("x""y")',
        ",",
        "a=1;;",
    ],
)
def test_what_is_no_dictionary_is_none(text: str) -> None:
    assert parse_dictionary(text) is None


@given(st.text(alphabet='abc019=();,:"\\? *@-', max_size=40))
def test_any_text_is_a_dictionary_or_none(text: str) -> None:
    members = parse_dictionary(text)
    for member in (members or {}).values():
        serialize_parameters(member.parameters)
