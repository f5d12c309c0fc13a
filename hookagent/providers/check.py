"""What every check has in common: what it is built from, what it asks for, what it returns."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from hookagent.providers.scheme import Scheme
from hookagent.providers.view import View


class KeySource(Protocol):
    """Where public keys, certificates and key sets come from; implemented by who may do I/O."""

    def get(self, url: str, kind: str, post: bytes = b"") -> bytes | None:
        """Return what the address holds if it is at hand, else None (and see to it for later).

        With `post` it is what the address answers to that JSON.
        """

    def renew(self, url: str, kind: str, post: bytes = b"") -> bool:
        """See to a newer document, for a key was not in this one; False where it is new already."""


class Proof:
    """What a check found out about a genuine delivery."""

    __slots__ = ("content_key", "secret_index", "signed_at")

    def __init__(
        self,
        secret_index: int | None = None,
        signed_at: int | None = None,
        content_key: bytes = b"",
    ) -> None:
        self.secret_index = secret_index
        self.signed_at = signed_at
        self.content_key = content_key


Check = Callable[[View, int], Proof]
"""Returns what it found, or raises Refusal."""


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What a check is built from."""

    scheme: Scheme
    secrets: tuple[str, ...] = ()
    public_keys: tuple[str, ...] = ()
    tolerance_ms: int | None = None
    settings: Mapping[str, str] = {}
    keys: Any = None
    """A KeySource, or None."""

    def __repr__(self) -> str:
        return f"Circumstances({self.scheme.name})"  # the secrets stay out of tracebacks
