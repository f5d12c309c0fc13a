"""JSON Web Key Sets (RFC 7517): the public keys in one, whatever the document holds."""

from collections.abc import Iterator
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import import_key

from hookagent.providers.publickeys import PublicKey

TYPES = frozenset({"EC", "OKP", "RSA"})


def public_keys(document: Any, most: int) -> Iterator[tuple[str, PublicKey]]:
    """Yield the key id and the key of each signing key that can be read; shared keys are skipped.

    A single JWK, bare or under `key` (as Plaid answers), counts as a set of one. What has expired,
    by Plaid's own member, is skipped.
    """
    for entry in _entries(document)[:most]:
        if not isinstance(entry, dict) or entry.get("kty") not in TYPES:
            continue
        if entry.get("use", "sig") != "sig" or entry.get("expired_at") is not None:
            continue
        key = _read(entry)
        if key is not None:
            kid = entry.get("kid", "")
            yield kid if isinstance(kid, str) else "", key


def _entries(document: Any) -> list[Any]:
    if not isinstance(document, dict):
        return []
    keys = document.get("keys")
    if isinstance(keys, list):
        return keys
    return [document.get("key", document)]


def _read(entry: dict[str, Any]) -> PublicKey | None:
    members: dict[str, str | list[str]] = {
        name: value for name, value in entry.items() if isinstance(value, str)
    }
    try:
        key = import_key(members)
        public = getattr(key, "public_key", None)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return public if isinstance(public, PublicKey) else None
