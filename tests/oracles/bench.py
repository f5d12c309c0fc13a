"""What every oracle is tried with: a provider's SDK on one side, hookagent on the other.

An oracle is optional. Where its SDK is not installed, its tests are skipped for one and the same
reason, so that they take one line of a test report.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from urllib.parse import parse_qsl, quote

import msgspec
from cryptography.hazmat.primitives import serialization

from hookagent.event import Headers, RawRequest
from hookagent.providers import sample
from hookagent.verdict import Verdict
from tests.providers.kit import BASE_URL, OTHER_KEY, Kit, kit
from tests.providers.kit import sample as plain_request

NOT_INSTALLED = "the providers' SDKs are installed by `make test-oracles`"
NOTE = "zwölf \u2713 \U0001f680 \u05e9\u05dc\u05d5\u05dd"
"""Text whose bytes an SDK must not lose: two, three and four octets, right to left."""
SAMPLES_MOST = 5
ASCII_END = 0x80
NODE_MODULES = Path(__file__).parent / "node_modules"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Delivery:
    """One delivery as both sides see it."""

    kit: Kit
    request: RawRequest
    now: int
    """Unix milliseconds; SDKs read the machine's clock, so it is the real time."""

    @property
    def body(self) -> bytes:
        return self.request.body

    @property
    def text(self) -> str:
        return self.request.body.decode()

    @property
    def url(self) -> str:
        return self.request.base_url + self.request.target

    @property
    def secret(self) -> str:
        return self.kit.signing

    @property
    def seconds(self) -> int:
        return self.now // 1000

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.request.headers.items())

    def header(self, name: str) -> str:
        return self.request.headers.text(name) or ""

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.text, keep_blank_values=True))

    @property
    def is_form(self) -> bool:
        return is_form(self.request)

    @property
    def public_base64(self) -> str:
        """The public key as base64 of its bare (Ed25519) or DER form, as dashboards show it."""
        key = serialization.load_pem_public_key(self.kit.verifying.encode())
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        der = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        form = raw if self.kit.scheme.algorithm == "ed25519" else der
        return base64.b64encode(key.public_bytes(*form)).decode()

    @property
    def private_bytes(self) -> bytes:
        """The bare private key, Ed25519 only."""
        key = serialization.load_pem_private_key(self.kit.signing.encode(), password=None)
        return key.private_bytes(
            serialization.Encoding.Raw,
            serialization.PrivateFormat.Raw,
            serialization.NoEncryption(),
        )

    def of(self, request: RawRequest) -> "Delivery":
        return Delivery(self.kit, request, self.now)

    def with_headers(self, fields: Mapping[str, str]) -> RawRequest:
        return msgspec.structs.replace(
            self.request, headers=self.request.headers.with_fields(fields)
        )


@dataclass(frozen=True)
class Oracle:
    """A provider's SDK: whether it accepts a delivery, and a delivery it signed if it can sign."""

    scheme: str
    """The scheme of the catalogue it is held against."""
    package: str
    """Its name in the package registry."""
    accepts: Callable[[Delivery], object]
    """Returns False or None, or raises, for what it refuses."""
    signs: Callable[[Delivery], RawRequest] | None = None
    module: str = ""
    """What a Python package is imported as; empty for one of Node's."""
    covers_body: bool = True
    """Whether both sides' checks cover the whole body."""

    own: Callable[[Kit], list[RawRequest]] | None = None
    """Its own payloads, where it reads more of them than the samples have."""

    def payloads(self) -> list[tuple[str, RawRequest]]:
        """Return the payloads it is tried with, each with a name."""
        if self.own is None:
            return payloads(self.scheme)
        return [(f"own {at}", request) for at, request in enumerate(self.own(self.kit))]

    @property
    def kit(self) -> Kit:
        return kit(self.scheme)

    @property
    def name(self) -> str:
        return f"{self.scheme} with {self.package}"

    @property
    def is_installed(self) -> bool:
        if self.module:
            return find_spec(self.module) is not None
        return has_node() and (NODE_MODULES / self.package / "package.json").is_file()

    @property
    def version(self) -> str:
        if self.module:
            return metadata.version(self.package)
        document = json.loads((NODE_MODULES / self.package / "package.json").read_text("utf-8"))
        return str(document["version"])


@lru_cache(maxsize=1)
def has_node() -> bool:
    return which("node") is not None


def accepted(oracle: Oracle, delivery: Delivery) -> bool:
    """Whether the SDK takes the delivery; whatever it raises is a refusal."""
    try:
        return bool(oracle.accepts(delivery))
    except Exception:  # noqa: BLE001 - every SDK has errors of its own
        return False


def taken(call: Callable[..., object], *arguments: object, **named: object) -> bool:
    """Call a function that says no by raising."""
    call(*arguments, **named)
    return True


def present() -> int:
    """Return the time now as Unix milliseconds, on a whole second: some schemes count those."""
    return int(time.time()) * 1000


def signed_here(oracle: Oracle, request: RawRequest) -> Delivery:
    """Let hookagent sign."""
    now = present()
    return Delivery(oracle.kit, oracle.kit.signed(request, now), now)


def signed_there(oracle: Oracle, request: RawRequest) -> Delivery:
    """Let the SDK sign."""
    assert oracle.signs is not None
    unsigned = Delivery(oracle.kit, request, present())
    return Delivery(unsigned.kit, oracle.signs(unsigned), unsigned.now)


def judged(delivery: Delivery) -> Verdict:
    """Return hookagent's verdict."""
    return delivery.kit.verifier().verify(delivery.request, delivery.now)


def changed(oracle: Oracle, request: RawRequest) -> Iterator[tuple[str, Delivery]]:
    """Yield deliveries both must refuse: another secret's, and ours with one bit or digit changed.

    The bit is at three places of the body, within ASCII, so that the body is UTF-8 still: no SDK
    may say no for that reason only. The digit is in the middle of the signature's header.
    """
    delivery = signed_here(oracle, request)
    foreign = kit(oracle.scheme, OTHER_KEY).signed(request, delivery.now)
    yield "another secret", delivery.of(foreign)
    signed = delivery.request
    ends = (0, len(signed.body) // 2, len(signed.body) - 1)
    for wanted in ends if oracle.covers_body else ():
        place = next(at for at in range(wanted, -1, -1) if signed.body[at] < ASCII_END)
        body = bytearray(signed.body)
        body[place] ^= 1
        yield f"body at {place}", delivery.of(msgspec.structs.replace(signed, body=bytes(body)))
    for name in signature_headers(delivery):
        value = delivery.header(name)
        place = next(at for at in range(len(value) // 2, len(value)) if value[at].isalnum())
        other = "0" if value[place] != "0" else "1"
        text = value[:place] + other + value[place + 1 :]
        yield f"{name} at {place}", delivery.of(delivery.with_headers({name: text}))


def signature_headers(delivery: Delivery) -> list[str]:
    """Return the names of the headers with the signature; none where it stands in the body."""
    names = [name for name in delivery.kit.scheme.place.names if delivery.header(name)]
    return names or [name for name in delivery.headers if name.lower().endswith("signature")]


def payloads(scheme: str) -> list[tuple[str, RawRequest]]:
    """Return the payloads a scheme is tried with, named: the provider's samples and odd forms."""
    provider = scheme.partition("/")[0]
    events = sample.event_types(provider)[:SAMPLES_MOST]
    found = [(event, _sample_request(provider, event)) for event in events]
    first = found[0][1] if found else plain_request(kit(scheme).scheme)
    return [*found, ("unicode", _noted(first)), ("odd-space", _spaced(first))]


def _sample_request(provider: str, event: str) -> RawRequest:
    filled = sample.fill(sample.load(provider, event), now=present(), entropy=7)
    return RawRequest(
        target="/hooks/in" + (f"?{filled.query}" if filled.query else ""),
        headers=Headers.of([("Content-Type", filled.content_type), *filled.headers]),
        body=filled.body,
        base_url=BASE_URL,
    )


def _noted(request: RawRequest) -> RawRequest:
    """Add text beyond ASCII to a payload, in its own bytes."""
    if is_form(request):
        return msgspec.structs.replace(request, body=request.body + f"&Note={quote(NOTE)}".encode())
    payload = json.loads(request.body)
    (payload[0] if isinstance(payload, list) else payload)["note"] = NOTE
    body = json.dumps(payload, ensure_ascii=False).encode()
    return msgspec.structs.replace(request, body=body)


def _spaced(request: RawRequest) -> RawRequest:
    """Write a payload as nobody would write it again: spaces, escapes, a line feed at the end."""
    if is_form(request):
        return msgspec.structs.replace(request, body=request.body + b"&Note=a+b%20c&Empty=")
    body = json.dumps(json.loads(request.body), indent=3, separators=(" , ", " : "))
    return msgspec.structs.replace(request, body=body.replace("/", "\\/").encode() + b"\r\n")


def is_form(request: RawRequest) -> bool:
    return (request.headers.text("Content-Type") or "").startswith(FORM)
