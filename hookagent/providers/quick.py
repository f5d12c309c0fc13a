"""The short way through verification: one HMAC over the raw body in one header.

Half of the catalogue signs like this, and it runs once per request before anything is stored, so it
avoids every step the general way (`mac`) takes for schemes it does not have. The verdicts are the
same, which a test holds.
"""

import hmac
from collections.abc import Callable
from hashlib import sha256

from hookagent.event import RawRequest
from hookagent.providers.check import Circumstances
from hookagent.providers.codec import DECODERS
from hookagent.providers.mac import hmac_maker
from hookagent.providers.scheme import Scheme
from hookagent.providers.secret import key_of
from hookagent.providers.shape import DIGEST_BYTES
from hookagent.verdict import Code, Verdict


def is_quick(scheme: Scheme) -> bool:
    """Whether a scheme is that simple."""
    place, framing = scheme.place, scheme.framing
    one_header = place.kind == "header" and len(place.names) == 1 and "{n}" not in place.name
    plain = framing.kind == "plain" and not framing.groups and not framing.repeats
    extras = scheme.timestamp or scheme.id_header or scheme.require_headers or scheme.digest
    return one_header and plain and not extras and scheme.signed.is_body


def quick_check(circumstances: Circumstances) -> Callable[[RawRequest], Verdict]:
    """Build the check; its two rare ways out are spelled like the general way's."""
    scheme = circumstances.scheme
    keys = [key_of(secret, scheme.secret) for secret in circumstances.secrets]
    makers = [hmac_maker(key, scheme.hash) for key in keys]
    decode = DECODERS[scheme.framing.encoding]
    size = DIGEST_BYTES[scheme.hash]
    header = scheme.place.name.lower().encode()
    header_size = len(header)
    prefix = scheme.framing.prefix.encode()
    any_case = prefix.endswith(b" ")
    prefix_size = len(prefix)
    name, integrity = scheme.name, scheme.integrity
    wrong = f"the signature does not match {_secrets(len(keys))}"

    def refuse(code: Code, detail: str) -> Verdict:
        return Verdict(valid=False, scheme=name, code=code, integrity=integrity, detail=detail)

    def check(request: RawRequest) -> Verdict:
        values = [
            value
            for field, value in request.headers.pairs
            if len(field) == header_size and field.lower() == header
        ]
        if len(values) != 1:
            if values:
                detail = f"header `{scheme.place.name}` is there {len(values)} times"
                return refuse(Code.DOUBLED, detail)
            return refuse(Code.MISSING, f"{scheme.place} is missing")
        text = values[0].strip()
        begin = text[:prefix_size]
        if begin != prefix and not (any_case and begin.lower() == prefix.lower()):
            wanted = f"signature that begins with `{scheme.framing.prefix}`"
            return refuse(Code.MALFORMED, f"{scheme.place} holds no {wanted}")
        candidate = decode(text[prefix_size:].strip() if any_case else text[prefix_size:])
        if candidate is None or len(candidate) != size:
            detail = f"{scheme.place} is not {size} bytes in {scheme.framing.encoding}"
            return refuse(Code.MALFORMED, detail)
        body = request.body
        found = None
        for index, make in enumerate(makers):
            if hmac.compare_digest(candidate, make(body)) and found is None:
                found = index
        if found is None:
            return refuse(Code.MISMATCH, wrong)
        return Verdict(
            valid=True,
            scheme=name,
            code=Code.OK,
            integrity=integrity,
            secret_index=found,
            content_key=sha256(body).digest(),
        )

    return check


def _secrets(count: int) -> str:
    return "the secret" if count == 1 else f"any of {count} secrets"
