"""What it takes to try a scheme: a secret of its form, a key pair of its kind, a fitting request."""

import base64
from dataclasses import dataclass, field
from functools import lru_cache

import msgspec

from hookagent.errors import ConfigError
from hookagent.event import Headers, RawRequest
from hookagent.providers import catalog
from hookagent.providers.message import ALGORITHMS
from hookagent.providers.privatekeys import make_pair
from hookagent.providers.scheme import Scheme
from hookagent.providers.shape import Family
from hookagent.providers.sign import sign
from hookagent.providers.verify import Verifier

NOW = 1_700_000_000_000
BASE_URL = "https://hooks.example.test"
KEY = bytes(range(1, 33))
OTHER_KEY = bytes(range(33, 65))
STRATEGY_FAMILIES = {"aws-sns": Family.RSA, "ebay": Family.ECDSA, "paddle-classic": Family.RSA}
JWT_FAMILIES = {"RS": Family.RSA, "PS": Family.RSA_PSS, "ES": Family.ECDSA}
ASKED = {
    "token": {"header": "X-Secret-Token"},
    "hmac": {"header": "X-Signature"},
}
"""What a source says for the schemes it must complete; others get a header's name."""


@dataclass(frozen=True)
class Kit:
    scheme: Scheme
    signing: str
    """What `sign` takes."""
    verifying: str
    """What `Verifier` takes."""
    settings: dict[str, str] = field(default_factory=dict)

    def verifier(self, **changed: object) -> Verifier:
        options: dict[str, object] = {"settings": self.settings, "base_url": BASE_URL} | changed
        return Verifier(self.scheme, [self.verifying], **options)  # type: ignore[arg-type]

    def signed(self, request: RawRequest | None = None, now: int = NOW) -> RawRequest:
        return sign(
            self.scheme,
            request or sample(self.scheme),
            self.signing,
            now=now,
            message_id="msg_2Lh9",
            settings=self.settings,
            base_url=BASE_URL,
        )


def scheme_names() -> list[str]:
    """Return every scheme of every catalogue file that can be read."""
    found: list[str] = []
    for name in catalog.names():
        try:
            found += catalog.load(name).variants
        except ConfigError:
            continue  # its own test says what is wrong with it
    return found


@lru_cache(maxsize=512)
def kit(name: str, key: bytes = KEY) -> Kit:
    """Return a kit for a scheme of the catalogue."""
    provider = catalog.provider_of(name)
    variant = provider.variants[name]
    scheme = variant.scheme or provider.scheme_with(ASKED.get(name, {"header": "X-Proof"}), name)
    return kit_of(scheme, key)


def kit_of(scheme: Scheme, key: bytes = KEY) -> Kit:
    settings = {setting: f"{setting}-value" for setting in scheme.settings}
    family = family_of(scheme)
    if family is not None:
        private, public = pair(family, key)
        return Kit(scheme, private, public, settings)
    secret = secret_of(scheme, key)
    return Kit(scheme, secret, secret, settings)


@lru_cache(maxsize=16)
def pair(family: Family, _key: bytes) -> tuple[str, str]:
    """Return a key pair; making RSA keys takes a while."""
    return make_pair(family)


def family_of(scheme: Scheme) -> Family | None:
    """Return the kind of key pair a scheme needs, or None where a shared secret does."""
    if scheme.is_asymmetric:
        return scheme.family
    if scheme.jwt is not None:
        first = scheme.jwt.algorithms[0]
        return JWT_FAMILIES.get(first[:2])
    if scheme.message is not None:
        return ALGORITHMS.get(scheme.message.algorithm, (None, ""))[0]
    return STRATEGY_FAMILIES.get(scheme.strategy)


def secret_of(scheme: Scheme, key: bytes) -> str:
    form = scheme.secret
    text = {
        "base64": base64.b64encode(key).decode(),
        "base64url": base64.urlsafe_b64encode(key).decode(),
        "hex": key.hex(),
    }.get(form.form, key.hex())
    if scheme.family is Family.BASIC:
        text = f"user:{text}"
    return (form.strip[0] if form.strip else "") + text


def is_form(scheme: Scheme) -> bool:
    """Whether a scheme reads the body as a form."""
    places = [scheme.place.kind, scheme.timestamp.place.kind if scheme.timestamp else ""]
    uses = scheme.signed.uses("form") or scheme.signed.uses("form_sorted")
    return "form" in places or uses or scheme.strategy in {"twilio", "paddle-classic"}


def sample(scheme: Scheme) -> RawRequest:
    """Return a request such as the scheme's provider sends."""
    body: bytes = msgspec.json.encode(
        {"id": "evt_1", "type": "thing.done", "n": 12, "text": "zwölf / ✓", "value": [{"a": 1}]}
    )
    content_type = "application/json"
    if scheme.strategy == "adyen":
        body = b'{"notificationItems":[{"NotificationRequestItem":{"pspReference":"1","success":"true","amount":{"value":5,"currency":"EUR"}}}]}'
    if is_form(scheme):
        body = b"From=%2B14158675309&To=%2B1800&Body=zw%C3%B6lf+%26+mehr&payload=%7B%7D"
        content_type = "application/x-www-form-urlencoded"
    return RawRequest(
        method="POST",
        target="/hooks/in?x=1&y=a%20b",
        headers=Headers.of([("Host", "inner.example"), ("Content-Type", content_type)]),
        body=body,
        base_url=BASE_URL,
    )
