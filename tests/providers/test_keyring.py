"""Public keys: configured, or published at an address the provider is pinned to."""

import base64
import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from hookagent.errors import ConfigError
from hookagent.event import Headers, RawRequest
from hookagent.providers.pinning import is_pinned
from hookagent.providers.privatekeys import make_pair
from hookagent.providers.publickeys import configured_key, fits, read_key, unfolded_pem, verifies
from hookagent.providers.scheme import Scheme
from hookagent.providers.shape import Family, Framing, KeyRule, Location, SecretForm
from hookagent.providers.sign import sign
from hookagent.providers.verify import Verifier
from hookagent.verdict import Code
from tests.providers.kit import KEY, NOW, pair
from tests.providers.test_jwt import Documents

PEM = serialization.Encoding.PEM
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
URL = "https://keys.example.test/key.pem"
RULE = KeyRule(urls=(URL,), hosts=("keys.example.test",))


def scheme(algorithm: str = "rsa-sha256", rule: KeyRule | None = RULE) -> Scheme:
    return Scheme(
        name="r",
        algorithm=algorithm,
        place=Location("header", ("X-Sig",)),
        framing=Framing(encoding="base64"),
        keys=rule,
    )


def signed(found: Scheme, private: str, **headers: str) -> RawRequest:
    request = RawRequest(body=b"{}", headers=Headers.of(headers))
    return sign(found, request, private, now=NOW)


ALGORITHMS = {
    "ed25519": Family.ED25519,
    "ecdsa-sha256": Family.ECDSA,
    "ecdsa-sha1": Family.ECDSA,
    "ecdsa-sha256-p1363": Family.ECDSA,
    "rsa-sha1": Family.RSA,
    "rsa-sha256": Family.RSA,
    "rsa-sha512": Family.RSA,
    "rsa-pss-sha256": Family.RSA_PSS,
    "rsa-pss-sha512": Family.RSA_PSS,
}


@pytest.mark.parametrize(("algorithm", "family"), ALGORITHMS.items())
def test_every_algorithm_signs_and_verifies(algorithm: str, family: Family) -> None:
    found = scheme(algorithm, None)
    private, public = pair(family, KEY)
    request = signed(found, private)
    assert Verifier(found, [public]).verify(request, NOW).valid
    changed = msgspec.structs.replace(request, body=b"{ }")
    assert Verifier(found, [public]).verify(changed, NOW).code is Code.MISMATCH
    for other in set(ALGORITHMS) - {algorithm}:
        if ALGORITHMS[other] is family and (algorithm, other) != ("ed25519", "ed25519"):
            assert not Verifier(scheme(other, None), [public]).verify(request, NOW).valid


@pytest.mark.parametrize(
    "signature", [b"", b"AA==", b"!", base64.b64encode(bytes(64)), base64.b64encode(bytes(256))]
)
@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_any_signature_bytes_give_a_verdict(algorithm: str, signature: bytes) -> None:
    _, public = pair(ALGORITHMS[algorithm], KEY)
    request = RawRequest(headers=Headers([(b"X-Sig", signature)]))
    assert not Verifier(scheme(algorithm, None), [public]).verify(request, NOW).valid


def test_keys_are_read_in_the_forms_providers_show_them() -> None:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    pem = key.public_bytes(PEM, SPKI).decode()
    der = key.public_bytes(serialization.Encoding.DER, SPKI)
    for text, form in (
        (pem, SecretForm()),
        (raw.hex(), SecretForm(form="hex")),
        (base64.b64encode(raw).decode(), SecretForm(form="base64")),
        ("whpk_" + base64.b64encode(raw).decode(), SecretForm(form="base64", strip=("whpk_",))),
        (base64.b64encode(der).decode(), SecretForm(form="base64")),
        (pem.replace("\n", ""), SecretForm()),
        (pem.replace("\n", "\\n"), SecretForm()),
    ):
        assert read_key(text, form) == key


def test_a_folded_pem_gets_its_lines_back() -> None:
    assert unfolded_pem("-----BEGIN PUBLIC KEY-----AAAA-----END PUBLIC KEY-----").count("\n") == 3
    assert unfolded_pem("anything") == "anything"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----",
        "AAAA",
        "é",
    ],
)
def test_what_is_no_key_is_an_error_in_configuration(text: str) -> None:
    assert read_key(text) is None
    with pytest.raises(ConfigError):
        configured_key(text, SecretForm(), {Family.RSA})


def test_a_key_of_another_kind_curve_or_size_is_refused() -> None:
    p384 = ec.generate_private_key(ec.SECP384R1()).public_key()
    assert not fits(p384, Family.ECDSA)
    assert not fits(p384, Family.RSA)
    with pytest.raises(ConfigError, match="not one for ecdsa"):
        configured_key(pair(Family.RSA, KEY)[1], SecretForm(), {Family.ECDSA})
    with pytest.raises(ConfigError, match="not one for rsa"):
        sign(scheme(rule=None), RawRequest(), make_pair(Family.ED25519)[0], now=NOW)


def test_a_wrong_key_type_is_no_match_rather_than_an_error() -> None:
    key = read_key(pair(Family.ECDSA, KEY)[1])
    assert key is not None
    assert not verifies(key, Family.ECDSA, "sha256", b"x" * 63, b"", p1363=True)


@pytest.mark.parametrize(
    ("url", "pinned"),
    [
        ("https://keys.example.test/a", True),
        ("https://keys.example.test:443/a", True),
        ("HTTPS://KEYS.example.test/a", True),
        ("http://keys.example.test/a", False),
        ("https://keys.example.test:8443/a", False),
        ("https://keys.example.test.evil.example/a", False),
        ("https://evil.example/keys.example.test", False),
        ("https://keys.example.test@evil.example/", False),
        ("https://evil.example#keys.example.test", False),
        ("https://evil.example\\@keys.example.test/", False),
        ("https://keys.example.test/\n", False),
        ("https://[::1", False),
        ("https://keys.example.test:99999/", False),
        ("https://api.sandbox.paypal.test/c", True),
        ("https://paypal.test/c", False),
        ("https://evilpaypal.test/c", False),
        ("https://sns.us-east-1.amazonaws.test/x.pem", True),
        ("https://sns.a.b.amazonaws.test/x.pem", False),
        ("https://sns..amazonaws.test/x.pem", False),
        ("https://s3.us-east-1.amazonaws.test/x.pem", False),
        ("", False),
        ("é", False),
    ],
)
def test_an_address_is_used_only_on_the_providers_hosts(url: str, pinned: bool) -> None:
    hosts = ("keys.example.test", "*.paypal.test", "sns.*.amazonaws.test")
    assert is_pinned(url, hosts) is pinned


def test_a_published_key_is_asked_for_and_a_configured_one_is_preferred() -> None:
    private, public = pair(Family.RSA, KEY)
    found = scheme()
    documents = Documents({URL: public.encode()})
    assert Verifier(found, [], keys=documents).verify(signed(found, private), NOW).valid
    assert documents.asked == [(URL, "pem")]
    verdict = Verifier(found, [public], keys=documents).verify(signed(found, private), NOW)
    assert verdict.secret_index == 0
    assert len(documents.asked) == 1


def test_a_document_is_parsed_once() -> None:
    private, public = pair(Family.RSA, KEY)
    found = scheme()
    verifier = Verifier(found, [], keys=Documents({URL: public.encode()}))
    request = signed(found, private)
    assert verifier.verify(request, NOW).valid
    assert verifier.verify(request, NOW).valid


def test_the_address_may_come_from_the_request_but_only_onto_a_pinned_host() -> None:
    private, public = pair(Family.RSA, KEY)
    rule = KeyRule(
        urls=("https://keys.example.test{header:X-Key-Path}",), hosts=("keys.example.test",)
    )
    found = scheme(rule=rule)
    documents = Documents({"https://keys.example.test/k": public.encode()})
    verifier = Verifier(found, [], keys=documents)
    assert verifier.verify(signed(found, private, **{"X-Key-Path": "/k"}), NOW).valid
    for path in ("@evil.example/k", ".evil.example/k", ":8443/k", "/{config:x}", "/k k"):
        verdict = verifier.verify(signed(found, private, **{"X-Key-Path": path}), NOW)
        assert verdict.code is Code.UNTRUSTED_KEY, path
    assert len(documents.asked) == 1


def test_each_signature_header_has_its_own_key() -> None:
    private, public = pair(Family.RSA, KEY)
    _, other = pair(Family.RSA, b"other")
    rule = KeyRule(
        urls=("https://keys.example.test/1", "https://keys.example.test/2"),
        hosts=("keys.example.test",),
    )
    found = msgspec.structs.replace(scheme(rule=rule), place=Location("header", ("X-1", "X-2")))
    value = signed(found, private).headers.text("x-1") or ""
    documents = Documents(
        {
            "https://keys.example.test/1": other.encode(),
            "https://keys.example.test/2": public.encode(),
        }
    )
    verifier = Verifier(found, [], keys=documents)
    second = RawRequest(body=b"{}", headers=Headers.of({"X-1": "AAAA", "X-2": value}))
    assert verifier.verify(second, NOW).valid
    first = RawRequest(body=b"{}", headers=Headers.of({"X-1": value}))
    assert verifier.verify(first, NOW).code is Code.MISMATCH


def test_keys_in_json_documents() -> None:
    private, public = pair(Family.RSA, KEY)
    for kind, document, path in (
        ("json", {"config": {"key": public}}, "config.key"),
        ("github", {"public_keys": [{"key_identifier": "1", "key": public}, 5, {}]}, ""),
    ):
        found = scheme(rule=KeyRule(urls=(URL,), hosts=RULE.hosts, kind=kind, json=path))
        keys = Documents({URL: json.dumps(document).encode()})
        assert Verifier(found, [], keys=keys).verify(signed(found, private), NOW).valid


def certificate(
    name: str,
    key: rsa.RSAPrivateKey,
    *,
    issuer: str = "",
    signer: rsa.RSAPrivateKey | None = None,
    is_authority: bool = False,
    days: int = 1,
) -> bytes:
    start = datetime.fromtimestamp(NOW / 1000, UTC) - timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer or name)]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1 + days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    return builder.sign(signer or key, hashes.SHA256()).public_bytes(PEM)


def private_of(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


CERTIFIED = scheme(
    rule=KeyRule(urls=(URL,), hosts=("*.example.test", "keys.example.test"), kind="certificate")
)


def judged(document: bytes, now: int = NOW) -> Code:
    private, _ = pair(Family.RSA, KEY)
    verifier = Verifier(CERTIFIED, [], keys=Documents({URL: document}))
    return verifier.verify(signed(CERTIFIED, private), now).code


def test_a_certificate_must_be_of_the_provider_and_in_its_time() -> None:
    key = private_of(pair(Family.RSA, KEY)[0])
    right = certificate("messages.example.test", key)
    assert judged(right) is Code.OK
    assert judged(right, NOW + 10 * 86_400_000) is Code.UNTRUSTED_KEY
    assert judged(right, NOW - 10 * 86_400_000) is Code.UNTRUSTED_KEY
    assert judged(certificate("messages.evil.test", key)) is Code.UNTRUSTED_KEY
    assert judged(certificate("evilexample.test", key)) is Code.UNTRUSTED_KEY
    assert judged(b"not a certificate") is Code.UNTRUSTED_KEY
    assert judged(b"") is Code.UNTRUSTED_KEY


def test_a_chain_must_hold() -> None:
    key = private_of(pair(Family.RSA, KEY)[0])
    root = private_of(pair(Family.RSA, b"other")[0])
    leaf = certificate("messages.example.test", key, issuer="Root", signer=root)
    authority = certificate("Root", root, is_authority=True)
    assert judged(leaf + authority) is Code.OK
    assert judged(leaf + certificate("Root", root)) is Code.UNTRUSTED_KEY
    assert judged(leaf + certificate("Root", key, is_authority=True)) is Code.UNTRUSTED_KEY
    assert judged(leaf * 9) is Code.UNTRUSTED_KEY
