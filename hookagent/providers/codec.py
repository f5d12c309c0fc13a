"""Strict text forms of bytes: one text for one value, anything else is no value.

Lenient decoders (base64 that skips junk, hex that skips spaces) let one signature be written in
many ways; here what is decoded must be exactly what encoding it again gives.
"""

import base64
import binascii
from collections.abc import Callable, Mapping


def decode_hex(text: bytes) -> bytes | None:
    """Read hex digits of either case."""
    try:
        return binascii.unhexlify(text)
    except (binascii.Error, ValueError):
        return None


def decode_base64(text: bytes) -> bytes | None:
    """Read padded base64 (RFC 4648 section 4)."""
    try:
        value = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        return None
    return value if binascii.b2a_base64(value, newline=False) == text else None


def decode_base64url(text: bytes) -> bytes | None:
    """Read base64 with the URL alphabet (RFC 4648 section 5), padded or not."""
    if b"+" in text or b"/" in text:
        return None
    bare = text.rstrip(b"=")
    padded = bare + b"=" * (-len(bare) % 4)
    if text not in (bare, padded):
        return None
    return decode_base64(padded.replace(b"-", b"+").replace(b"_", b"/"))


def decode_base64_unpadded(text: bytes) -> bytes | None:
    """Read base64 as secrets are pasted: padding may be missing, unused last bits may be set."""
    bare = text.rstrip(b"=")
    try:
        return binascii.a2b_base64(bare + b"=" * (-len(bare) % 4), strict_mode=True)
    except (binascii.Error, ValueError):
        return None


def encode_base64(value: bytes) -> bytes:
    """Write padded base64."""
    return binascii.b2a_base64(value, newline=False)


DECODERS: Mapping[str, Callable[[bytes], bytes | None]] = {
    "hex": decode_hex,
    "hex-upper": decode_hex,
    "base64": decode_base64,
    "base64url": decode_base64url,
    "base64url-padded": decode_base64url,
}
ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "hex": binascii.hexlify,
    "hex-upper": lambda value: binascii.hexlify(value).upper(),
    "base64": encode_base64,
    "base64url": lambda value: base64.urlsafe_b64encode(value).rstrip(b"="),
    "base64url-padded": base64.urlsafe_b64encode,
}
