"""From the secret as a person pastes it to the bytes of the key.

What a prefix such as `whsec_` means is the scheme's business and never guessed: Stripe's is part of
the secret, Standard Webhooks' is taken off and the rest decoded.
"""

import hashlib
import html
import unicodedata

from hookagent.errors import ConfigError, Problem
from hookagent.providers.codec import decode_base64_unpadded, decode_base64url, decode_hex
from hookagent.providers.shape import SecretForm


def key_of(secret: str, form: SecretForm) -> bytes:
    """Return the key a secret stands for. Raises ConfigError for one that cannot be it."""
    text = strip_prefix(secret, form)
    if not text:
        raise wrong_secret("blank-secret", "the secret is blank", "a blank secret proves nothing")
    if form.normalize == "NFKD":
        text = unicodedata.normalize("NFKD", text)
    elif form.normalize == "html":
        text = html.unescape(text)
    key = _decode(text, form.form)
    if not key:
        raise wrong_secret(
            "wrong-secret-form",
            f"the secret is not {form.form}",
            "copy it again, whole and without spaces",
        )
    key += form.append.encode()
    return hashlib.new(form.hash, key, usedforsecurity=False).digest() if form.hash else key


def strip_prefix(secret: str, form: SecretForm) -> str:
    """Take off the first of the scheme's prefixes that the secret has."""
    for prefix in form.strip:
        if secret.startswith(prefix):
            return secret[len(prefix) :]
    return secret


def _decode(text: str, form: str) -> bytes | None:
    data = text.encode("utf-8", "surrogateescape")
    match form:
        case "base64":
            return decode_base64_unpadded(data)
        case "base64url":
            return decode_base64url(data)
        case "hex":
            return decode_hex(data)
        case _:
            return data


def wrong_secret(code: str, message: str, hint: str) -> ConfigError:
    """Make the error for a secret that cannot be used; it never shows the secret."""
    return ConfigError([Problem(code=code, message=message, hint=hint)])
