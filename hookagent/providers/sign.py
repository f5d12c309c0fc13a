"""Makes a request that `Verifier` accepts: the inverse of verification, from the same data.

Deterministic: the same arguments give the same bytes (for signatures with randomness of their own,
ECDSA and RSA-PSS, the same content). Whatever the scheme signs and the request lacks is added: the
timestamp, the message id, headers and fields.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256

import msgspec

from hookagent.errors import UsageError
from hookagent.event import RawRequest
from hookagent.providers.completing import complete_request
from hookagent.providers.refusal import Refusal
from hookagent.providers.scheme import Scheme
from hookagent.providers.shape import Family
from hookagent.providers.signing import Signing


def sign(  # noqa: PLR0913 - each is one fact of a source
    scheme: Scheme,
    request: RawRequest,
    secret: str,
    *,
    now: int,
    message_id: str = "",
    settings: Mapping[str, str] | None = None,
    base_url: str = "",
) -> RawRequest:
    """Return the request signed; `now` is Unix milliseconds, the time it says it was signed at.

    `secret` is the shared secret; for asymmetric schemes the private key as PEM. Raises ConfigError
    for a secret that cannot be one, UsageError where the request lacks what cannot be made up.
    """
    if base_url:
        request = msgspec.structs.replace(request, base_url=base_url)
    signing = Signing(
        scheme=scheme,
        secret=secret,
        now=now,
        message_id=message_id or _made_up_id(request, now),
        settings=dict(settings or {}),
    )
    try:
        return _signer(scheme)(signing, complete_request(signing, request))
    except Refusal as refusal:
        raise UsageError(f"cannot sign as `{scheme.name}`: {refusal.detail}") from None


def _made_up_id(request: RawRequest, now: int) -> str:
    """Make a message id that depends on the content and the time only."""
    return "msg_" + sha256(f"{now}\n".encode() + request.body).hexdigest()[:24]


def _signer(scheme: Scheme) -> Callable[[Signing, RawRequest], RawRequest]:
    """Return the signing side of a scheme's family."""
    match scheme.family:
        case Family.HMAC | Family.HASH:
            from hookagent.providers.signing import sign_mac

            return sign_mac
        case Family.TOKEN | Family.BASIC | Family.NONE:
            from hookagent.providers.signing import sign_static

            return sign_static
        case Family.JWT:
            from hookagent.providers.tokens import sign_jwt

            return sign_jwt
        case Family.MESSAGE:
            from hookagent.providers.message import sign_message

            return sign_message
        case Family.STRATEGY:
            from hookagent.providers.strategies import sign_strategy

            return sign_strategy(scheme.strategy)
        case Family.ED25519 | Family.ECDSA | Family.RSA | Family.RSA_PSS:
            from hookagent.providers.asymmetric import sign_asymmetric

            return sign_asymmetric
