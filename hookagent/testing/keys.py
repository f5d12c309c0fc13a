"""Secrets for tests: the same for a scheme each time, in the form the scheme wants."""

import base64
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from hookagent.providers.scheme import Scheme
from hookagent.providers.shape import Family


class Keys(NamedTuple):
    """What signs, and what the application under test is configured with."""

    signing: str
    """The shared secret, or a private key as PEM."""
    verifying: str
    """The shared secret, or the public key as PEM."""


def keys_of(scheme: Scheme) -> Keys:
    """Return the test keys of a scheme; a key pair is made once for each run of the tests."""
    if scheme.key_family is not None:
        return Keys(*_pair(scheme.key_family))
    secret = _secret(scheme)
    return Keys(secret, secret)


@lru_cache(maxsize=8)
def _pair(family: Family) -> tuple[str, str]:
    from hookagent.providers.privatekeys import make_pair

    return make_pair(family)


def _secret(scheme: Scheme) -> str:
    """Return a shared secret in the scheme's own writing."""
    key = sha256(f"a secret for tests of {scheme.name}".encode()).digest()
    form = scheme.secret
    text = {
        "base64": base64.b64encode(key).decode(),
        "base64url": base64.urlsafe_b64encode(key).decode(),
    }.get(form.form, key.hex())
    if scheme.family is Family.BASIC:
        text = f"user:{text}"
    return (form.strip[0] if form.strip else "") + text
