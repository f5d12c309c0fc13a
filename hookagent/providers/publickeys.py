"""Public keys: read from what a person configures or an address holds, and used to verify.

Everything cryptographic is done by `cryptography`; it is imported with this module, so this module
is imported only for schemes that need it.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from typing import cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from hookagent.providers.codec import decode_base64_unpadded, decode_base64url, decode_hex
from hookagent.providers.secret import strip_prefix, wrong_secret
from hookagent.providers.shape import Family, SecretForm

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

RSA_BITS_MIN = 1024
"""Postal still makes such keys; shorter ones are broken."""
HASHES: Mapping[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
KINDS: Mapping[Family, type[PublicKey]] = {
    Family.ED25519: ed25519.Ed25519PublicKey,
    Family.ECDSA: ec.EllipticCurvePublicKey,
    Family.RSA: rsa.RSAPublicKey,
    Family.RSA_PSS: rsa.RSAPublicKey,
}
P1363_BYTES = 64
ED25519_BYTES = 32


def configured_key(text: str, form: SecretForm, families: Collection[Family]) -> PublicKey:
    """Read a public key from configuration. Raises ConfigError for what is none of these kinds."""
    key = read_key(text, form)
    if key is None:
        raise wrong_secret(
            "wrong-key",
            "the public key cannot be read",
            "give it as PEM (-----BEGIN PUBLIC KEY-----) or as the provider shows it",
        )
    if not any(fits(key, family) for family in families):
        message = f"the key is not one for {' or '.join(sorted(families))}"
        raise wrong_secret("wrong-key", message, "copy the key this provider signs with")
    return key


def fits(key: PublicKey, family: Family) -> bool:
    """Whether a key is of the type, curve and size a family takes."""
    if not isinstance(key, KINDS[family]):
        return False
    if isinstance(key, ec.EllipticCurvePublicKey):
        return isinstance(key.curve, ec.SECP256R1)
    return not isinstance(key, rsa.RSAPublicKey) or key.key_size >= RSA_BITS_MIN


def read_key(text: str, form: SecretForm | None = None) -> PublicKey | None:
    """Read PEM (key or certificate), or the scheme's bare form; None for anything else."""
    text = text.strip()
    if "-----BEGIN" in text:
        return _read_pem(unfolded_pem(text).encode("utf-8", "surrogateescape"))
    bare = strip_prefix(text, form) if form else text
    kind = form.form if form else "base64"
    data = _decode_bare(bare.encode("utf-8", "surrogateescape"), kind)
    if data is None:
        return None
    if len(data) == ED25519_BYTES:
        return ed25519.Ed25519PublicKey.from_public_bytes(data)
    return _read_der(data)


def _decode_bare(data: bytes, kind: str) -> bytes | None:
    if kind == "hex":
        return decode_hex(data)
    if kind == "base64url":
        return decode_base64url(data)
    return decode_base64_unpadded(b"".join(data.split()))


_ONE_LINE = re.compile(
    r"(-----BEGIN [A-Z ]+-----)[ \t]*([A-Za-z0-9+/=]+)[ \t]*(-----END [A-Z ]+-----)"
)


def unfolded_pem(text: str) -> str:
    """Give PEM its lines back when it came as one (as eBay's API and environment files have it)."""
    text = text.replace("\\n", "\n")
    found = _ONE_LINE.fullmatch(text.strip())
    return f"{found.group(1)}\n{found.group(2)}\n{found.group(3)}\n" if found else text


def _read_pem(data: bytes) -> PublicKey | None:
    try:
        if b"CERTIFICATE" in data:
            key: object = x509.load_pem_x509_certificate(data).public_key()
        else:
            key = serialization.load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, PublicKey) else None


def _read_der(data: bytes) -> PublicKey | None:
    try:
        key = serialization.load_der_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, PublicKey) else None


def verifies(  # noqa: PLR0913 - a signature check has that many parts
    key: PublicKey,
    family: Family,
    hash_name: str,
    signature: bytes,
    content: bytes,
    *,
    p1363: bool = False,
) -> bool:
    """Whether a signature over the content is this key's; total for any bytes."""
    try:
        _VERIFY[family](key, hash_name, _der(signature) if p1363 else signature, content)
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def _der(signature: bytes) -> bytes:
    """Turn r and s side by side into DER. Raises ValueError for another length."""
    if len(signature) != P1363_BYTES:
        raise ValueError("not 64 bytes")
    half = P1363_BYTES // 2
    return encode_dss_signature(
        int.from_bytes(signature[:half]),
        int.from_bytes(signature[half:]),
    )


def _ed25519(key: PublicKey, _hash: str, signature: bytes, content: bytes) -> None:
    cast("ed25519.Ed25519PublicKey", key).verify(signature, content)


def _ecdsa(key: PublicKey, hash_name: str, signature: bytes, content: bytes) -> None:
    algorithm = ec.ECDSA(HASHES[hash_name]())
    cast("ec.EllipticCurvePublicKey", key).verify(signature, content, algorithm)


def _rsa(key: PublicKey, hash_name: str, signature: bytes, content: bytes) -> None:
    algorithm = HASHES[hash_name]()
    cast("rsa.RSAPublicKey", key).verify(signature, content, padding.PKCS1v15(), algorithm)


def _rsa_pss(key: PublicKey, hash_name: str, signature: bytes, content: bytes) -> None:
    algorithm = HASHES[hash_name]()
    pss = padding.PSS(mgf=padding.MGF1(algorithm), salt_length=padding.PSS.DIGEST_LENGTH)
    cast("rsa.RSAPublicKey", key).verify(signature, content, pss, algorithm)


_VERIFY: Mapping[Family, Callable[[PublicKey, str, bytes, bytes], None]] = {
    Family.ED25519: _ed25519,
    Family.ECDSA: _ecdsa,
    Family.RSA: _rsa,
    Family.RSA_PSS: _rsa_pss,
}


def fingerprint(data: bytes) -> bytes:
    """Name a key document, so that what was parsed once is not parsed again."""
    return hashlib.sha256(data).digest()
