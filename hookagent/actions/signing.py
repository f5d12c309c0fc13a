"""Signing what an action sends, by any scheme of the catalogue; fresh on every try."""

from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from hookagent.actions.base import Call
from hookagent.actions.client import Request
from hookagent.actions.values import Secret
from hookagent.event import Headers, RawRequest


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """How to sign."""

    scheme: Annotated[
        str,
        msgspec.Meta(
            description="A name from `hookagent schemes`.",
            examples=["standard-webhooks"],
        ),
    ]
    secret: Annotated[
        Secret,
        msgspec.Meta(description="The signing secret, by reference.", examples=["${APP_SECRET}"]),
    ]

    def __post_init__(self) -> None:
        from hookagent.errors import HookagentError
        from hookagent.providers import catalog

        try:
            catalog.scheme(self.scheme)
        except HookagentError as error:
            raise ValueError(f"{error.message}{f'; {error.hint}' if error.hint else ''}") from None


class Signing(msgspec.Struct, frozen=True, kw_only=True):
    """A signature to be made at each try: its time must be fresh."""

    scheme: str
    secret: Secret

    @classmethod
    def of(cls, sign: Sign | None) -> "Signing | None":
        """Take over what the options say."""
        return None if sign is None else cls(scheme=sign.scheme, secret=sign.secret)


def signed(request: Request, signing: Signing, call: Call, now: int) -> Request:
    """Return the request with the scheme's headers; the message id is the idempotency key."""
    from hookagent.providers import catalog
    from hookagent.providers.sign import sign

    parts = urlsplit(request.url)
    target = parts.path or "/"
    raw = RawRequest(
        method=request.method,
        target=f"{target}?{parts.query}" if parts.query else target,
        headers=Headers.of(request.headers),
        body=request.body,
        received_at=now,
        base_url=f"{parts.scheme}://{parts.netloc}",
    )
    made = sign(
        catalog.scheme(signing.scheme),
        raw,
        signing.secret.reveal(),
        now=now,
        message_id=call.idempotency_key,
    )
    return msgspec.structs.replace(
        request,
        url=made.url,
        headers=tuple(made.headers.items()),
        body=made.body,
    )
