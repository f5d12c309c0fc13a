"""Private keys: the signing side of asymmetric schemes, for test requests and for `forward`.

A provider's private key is never ours; `make_pair` makes a pair of our own whose public half goes
into the receiver's configuration.
"""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from hookagent.providers.publickeys import HASHES, P1363_BYTES, PrivateKey, fits
from hookagent.providers.secret import wrong_secret
from hookagent.providers.shape import Family

RSA_BITS = 2048


def make_pair(family: Family) -> tuple[str, str]:
    """Make a key pair for a family; returns the private and the public key as PEM."""
    key: PrivateKey
    match family:
        case Family.ED25519:
            key = ed25519.Ed25519PrivateKey.generate()
        case Family.ECDSA:
            key = ec.generate_private_key(ec.SECP256R1())
        case _:
            key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo,
    )
    return private.decode(), public.decode()


def read_private_key(text: str, family: Family) -> PrivateKey:
    """Read a private key from PEM. Raises ConfigError for what is none of this family."""
    try:
        key = serialization.load_pem_private_key(text.strip().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise wrong_secret(
            "wrong-key",
            "the private key cannot be read",
            "signing needs a private key as PEM (-----BEGIN PRIVATE KEY-----)",
        ) from None
    if not isinstance(key, PrivateKey) or not fits(key.public_key(), family):
        message = f"the private key is not one for {family.value}"
        raise wrong_secret("wrong-key", message, "make a pair for this scheme")
    return key


def make_signature(
    key: PrivateKey,
    family: Family,
    hash_name: str,
    content: bytes,
    *,
    p1363: bool = False,
) -> bytes:
    """Sign content."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(content)
    algorithm = HASHES[hash_name]()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        der = key.sign(content, ec.ECDSA(algorithm))
        return _p1363(der) if p1363 else der
    if family is Family.RSA_PSS:
        pss = padding.PSS(mgf=padding.MGF1(algorithm), salt_length=padding.PSS.DIGEST_LENGTH)
        return key.sign(content, pss, algorithm)
    return key.sign(content, padding.PKCS1v15(), algorithm)


def _p1363(der: bytes) -> bytes:
    """Write r and s side by side."""
    r, s = decode_dss_signature(der)
    half = P1363_BYTES // 2
    return r.to_bytes(half) + s.to_bytes(half)
