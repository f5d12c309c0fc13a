"""JSON Web Tokens: the scheme says the algorithm, and the claims must fit."""

import base64
import hashlib
import hmac
import json
from typing import Any

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import OctKey

from hookagent.errors import ConfigError
from hookagent.event import Headers, RawRequest
from hookagent.providers.claims import query_hash_text, same
from hookagent.providers.jwks import public_keys
from hookagent.providers.jwt import shared_key
from hookagent.providers.scheme import Scheme
from hookagent.providers.shape import Family, JwtRules, KeyRule, Location
from hookagent.providers.sign import sign
from hookagent.providers.verify import Verifier
from hookagent.providers.view import View
from hookagent.verdict import Code, Verdict
from tests.providers.kit import BASE_URL, KEY, NOW, pair

SECRET = "a-shared-secret-of-thirty-two-bytes!"
SECONDS = NOW // 1000
BODY = b'{"a":1}'
RULES = JwtRules(
    algorithms=("HS256",),
    issuer=("netlify",),
    body_claim="sha256",
    leeway_seconds=0,
)
GOOD: dict[str, Any] = {
    "iss": "netlify",
    "sha256": hashlib.sha256(BODY).hexdigest(),
    "iat": SECONDS,
    "exp": SECONDS + 60,
}


def scheme(rules: JwtRules = RULES, **parts: Any) -> Scheme:
    return Scheme(
        name="j", algorithm="jwt", place=Location("header", ("X-Token",)), jwt=rules, **parts
    )


def token(claims: Any, key: OctKey | None = None, **header: Any) -> str:
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    protected = {"alg": "HS256", **header}
    return jws.serialize_compact(
        protected, payload, key or shared_key(SECRET.encode()), ["HS256", "HS384"]
    )


def judge(
    text: str, rules: JwtRules = RULES, *, now: int = NOW, body: bytes = BODY, **options: Any
) -> Verdict:
    request = RawRequest(headers=Headers.of({"X-Token": text}), body=body, target="/h?x=1")
    verifier = Verifier(scheme(rules), [SECRET], base_url=BASE_URL, **options)
    return verifier.verify(request, now)


def test_a_token_over_the_body() -> None:
    verdict = judge(token(GOOD))
    assert verdict.valid
    assert verdict.signed_at == NOW
    assert judge(token(GOOD), body=b"{}").code is Code.DIGEST


def unsigned(header: dict[str, Any]) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part(header)}.{part(GOOD)}."


@pytest.mark.parametrize("algorithm", ["none", "None", "HS384", "RS256", "", 7, None])
def test_only_the_schemes_algorithms_are_taken(algorithm: Any) -> None:
    assert judge(unsigned({"alg": algorithm})).code is Code.MALFORMED


def test_another_allowed_family_does_not_open_the_door() -> None:
    """A public key must not serve as an HMAC secret (RFC 8725 section 3.1)."""
    _, public = pair(Family.RSA, KEY)
    rules = msgspec.structs.replace(RULES, algorithms=("HS256", "RS256"))
    header, payload, _ = token(GOOD).split(".")
    mac = hmac.digest(public.encode(), f"{header}.{payload}".encode(), "sha256")
    forged = f"{header}.{payload}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    request = RawRequest(headers=Headers.of({"X-Token": forged}), body=BODY)
    verdict = Verifier(scheme(rules), [public]).verify(request, NOW)
    assert verdict.code is Code.KEY_UNAVAILABLE


@pytest.mark.parametrize(
    "text", ["", "a", "a.b", "a.b.c", "..", "e30.e30.e30", "é.é.é", "x" * 20_000, "[" * 90]
)
def test_what_is_no_token_is_malformed(text: str) -> None:
    assert judge(text).code in {Code.MALFORMED, Code.MISSING}


@pytest.mark.parametrize("payload", [b"", b"[]", b"1", b"{", b"\xff", b"[" * 5_000])
def test_claims_must_be_an_object(payload: bytes) -> None:
    assert judge(token(payload)).code is Code.MALFORMED


def test_a_token_of_another_key_does_not_match() -> None:
    assert judge(token(GOOD, shared_key(b"x" * 32))).code is Code.MISMATCH


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"iss": "other"}, Code.CLAIM),
        ({"iss": None}, Code.CLAIM),
        ({"iss": ["netlify"]}, Code.CLAIM),
        ({"sha256": None}, Code.CLAIM),
        ({"sha256": 5}, Code.CLAIM),
        ({"sha256": "00"}, Code.DIGEST),
        ({"exp": None}, Code.CLAIM),
        ({"exp": SECONDS}, Code.STALE),
        ({"exp": "soon"}, Code.CLAIM),
        ({"exp": True}, Code.CLAIM),
        ({"exp": 10**30}, Code.CLAIM),
        ({"nbf": SECONDS + 1}, Code.AHEAD),
        ({"iat": SECONDS + 1}, Code.AHEAD),
        ({"iat": -1}, Code.CLAIM),
    ],
)
def test_claims_must_be_right(changed: dict[str, Any], code: Code) -> None:
    claims = {name: value for name, value in (GOOD | changed).items() if value is not None}
    assert judge(token(claims)).code is code


def test_the_age_is_bounded_and_the_source_may_say_how() -> None:
    rules = msgspec.structs.replace(RULES, max_age_seconds=300, expiry=False)
    claims = {name: value for name, value in GOOD.items() if name != "exp"}
    text = token(claims)
    assert judge(text, rules, now=NOW + 300_000).valid
    assert judge(text, rules, now=NOW + 301_000).code is Code.STALE
    assert judge(text, rules, now=NOW + 301_000, tolerance_ms=600_000).valid
    assert judge(text, rules, now=NOW + 10**9, tolerance_ms=0).valid
    without = token({name: value for name, value in claims.items() if name != "iat"})
    assert judge(without, rules).code is Code.MISSING_TIMESTAMP


def test_audience_subject_and_required_claims() -> None:
    rules = msgspec.structs.replace(
        RULES,
        audience=("{config:audience}",),
        subject=("{url}",),
        require=(("email_verified", True), ("email", "{config:email}")),
    )
    claims = GOOD | {
        "aud": ["x", "mine"],
        "sub": f"{BASE_URL}/h?x=1",
        "email_verified": True,
        "email": "a@b.test",
    }
    settings = {"audience": "mine", "email": "a@b.test"}
    assert judge(token(claims), rules, settings=settings).valid
    assert judge(token(claims), rules).code is Code.MISSING_PART
    for change in (
        {"aud": "y"},
        {"sub": "https://other"},
        {"email_verified": 1},
        {"email": "c@d.test"},
    ):
        assert judge(token(claims | change), rules, settings=settings).code is Code.CLAIM


def test_the_url_may_be_bound_by_its_hash() -> None:
    url = f"{BASE_URL}/h?x=1".encode()
    rules = msgspec.structs.replace(RULES, url_claim="url_hash", url_hash="sha256")
    right = token(GOOD | {"url_hash": hashlib.sha256(url).hexdigest()})
    assert judge(right, rules).valid
    wrong = token(GOOD | {"url_hash": hashlib.sha256(url + b"/").hexdigest()})
    assert judge(wrong, rules).code is Code.DIGEST


def test_an_empty_body_needs_no_hash_only_where_the_scheme_says_so() -> None:
    claims = {name: value for name, value in GOOD.items() if name != "sha256"}
    optional = msgspec.structs.replace(RULES, body_required=False)
    assert judge(token(claims), optional, body=b"").valid
    assert judge(token(claims), RULES, body=b"").code is Code.CLAIM
    assert judge(token(claims), optional, body=b"x").code is Code.CLAIM


def test_the_query_string_hash_of_atlassian() -> None:
    """The worked example of Atlassian's documentation of `qsh`."""
    request = RawRequest(
        method="get",
        target="/path/to/service?zee_last=param&repeated=parameter+1&first=param&repeated=parameter+2&jwt=x",
    )
    expected = (
        b"GET&/path/to/service&first=param&repeated=parameter%201,parameter%202&zee_last=param"
    )
    assert query_hash_text(View(request, {})) == expected


def test_the_whole_body_may_be_the_token() -> None:
    rules = msgspec.structs.replace(RULES, in_body=True, body_claim="")
    whole = scheme(rules)
    signed = sign(whole, RawRequest(body=b'{"type":"x"}'), SECRET, now=NOW)
    verifier = Verifier(whole, [SECRET])
    assert verifier.verify(signed, NOW).valid
    assert verifier.verify(RawRequest(body=b""), NOW).code is Code.MISSING
    assert verifier.verify(RawRequest(body=b"x" * 2_000_000), NOW).code is Code.MALFORMED


class Documents:
    def __init__(self, documents: dict[str, bytes]) -> None:
        self.documents = documents
        self.asked: list[tuple[str, str]] = []
        self.is_newer = False

    def get(self, url: str, kind: str, post: bytes = b"") -> bytes | None:
        self.asked.append((url, kind))
        return self.documents.get(url)

    def renew(self, url: str, kind: str, post: bytes = b"") -> bool:
        return self.is_newer


URL = "https://keys.example.test/jwks"


def published(*entries: Any) -> Documents:
    return Documents({URL: json.dumps({"keys": list(entries)}).encode()})


def jwk_of(pem: str, **members: str) -> dict[str, Any]:
    from joserfc.jwk import import_key

    return {**import_key(pem, "RSA").as_dict(private=False), **members}


def test_a_published_key_is_found_by_its_id() -> None:
    private, public = pair(Family.RSA, KEY)
    _, other = pair(Family.RSA, b"other")
    rules = msgspec.structs.replace(RULES, algorithms=("RS256",), issuer=())
    keyed = scheme(rules, keys=KeyRule(urls=(URL,), hosts=("keys.example.test",), kind="jwks"))
    signed = sign(keyed, RawRequest(body=BODY), private, now=NOW)
    right = published("junk", {"kty": "oct", "k": "AAAA"}, jwk_of(other), jwk_of(public))
    assert Verifier(keyed, [], keys=right).verify(signed, NOW).valid
    assert right.asked == [(URL, "jwks")]
    wrong = published(jwk_of(other))
    assert Verifier(keyed, [], keys=wrong).verify(signed, NOW).code is Code.MISMATCH
    for keys in (published(), Documents({URL: b"not json"})):
        assert Verifier(keyed, [], keys=keys).verify(signed, NOW).code is Code.UNTRUSTED_KEY
        keys.is_newer = True
        assert Verifier(keyed, [], keys=keys).verify(signed, NOW).code is Code.KEY_UNAVAILABLE
    absent: list[Documents | None] = [Documents({}), None]
    for missing in absent:
        assert Verifier(keyed, [], keys=missing).verify(signed, NOW).code is Code.KEY_UNAVAILABLE


@pytest.mark.parametrize(
    "document",
    [
        None,
        1,
        [],
        {},
        {"keys": 1},
        {"keys": [1, {}, {"kty": "RSA"}, {"kty": "RSA", "n": "!", "e": "A"}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]},
    ],
)
def test_any_document_is_a_set_of_keys_perhaps_an_empty_one(document: Any) -> None:
    assert list(public_keys(document, 10)) == []


def test_an_answer_with_one_key_counts_as_a_set() -> None:
    _, public = pair(Family.RSA, KEY)
    assert [kid for kid, _ in public_keys({"key": jwk_of(public, kid="k1")}, 10)] == ["k1"]
    assert list(public_keys({"keys": [jwk_of(public, use="enc")]}, 10)) == []


def test_equality_tells_one_from_true() -> None:
    value: object = True
    assert not same(1, value)
    assert same("a", "a")


def test_a_key_set_may_be_configured_so_that_nothing_is_fetched() -> None:
    private, public = pair(Family.RSA, KEY)
    _, other = pair(Family.RSA, b"other")
    rules = msgspec.structs.replace(RULES, algorithms=("RS256",), issuer=())
    keyed = scheme(rules, keys=KeyRule(urls=(URL,), hosts=("keys.example.test",), kind="jwks"))
    signed = sign(keyed, RawRequest(body=BODY), private, now=NOW)
    jwks = json.dumps({"keys": [jwk_of(other, kid="1"), jwk_of(public, kid="2")]})

    assert Verifier(keyed, [], public_keys=[jwks]).verify(signed, NOW).valid
    assert Verifier(keyed, [jwks]).verify(signed, NOW).secret_index == 0
    listed = json.dumps({"public_keys": [{"key_identifier": "a", "key": public}]})
    assert Verifier(keyed, [listed]).verify(signed, NOW).valid
    for wrong in ("{", "{}", '{"keys": [{"kty": "oct", "k": "AAAA"}]}'):
        with pytest.raises(ConfigError, match="holds no key"):
            Verifier(keyed, [wrong])
