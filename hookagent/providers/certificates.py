"""X.509 certificates that providers sign with (AWS SNS, PayPal).

The address of a certificate is pinned before it is asked for; the certificate itself must be for
the provider's domain, in its time, and chain to a root of the system's store when intermediates
come with it. A chain that cannot be built offline is refused by whoever fetches it: the key source
only hands over documents it got over verified TLS from the pinned host.
"""

from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from hookagent.providers.publickeys import PublicKey
from hookagent.providers.refusal import Refusal
from hookagent.verdict import Code

CHAIN_MAX = 8


def certificate_key(document: bytes, hosts: tuple[str, ...], now: int) -> PublicKey:
    """Return the leaf's public key, after the leaf and its chain were judged."""
    chain = _read_chain(document)
    leaf = chain[0]
    moment = datetime.fromtimestamp(now / 1000, UTC)
    for certificate in chain:
        if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
            raise Refusal(Code.UNTRUSTED_KEY, "the certificate is not valid at this time")
    for lower, upper in pairwise(chain):
        _check_link(lower, upper)
    if not _is_for(leaf, hosts):
        raise Refusal(Code.UNTRUSTED_KEY, "the certificate is not the provider's")
    key = leaf.public_key()
    if not isinstance(key, PublicKey):
        raise Refusal(Code.UNTRUSTED_KEY, "the certificate's key is of another type")
    return key


def _read_chain(document: bytes) -> list[x509.Certificate]:
    try:
        chain = x509.load_pem_x509_certificates(document)
    except (ValueError, UnsupportedAlgorithm):
        chain = []
    if not chain or len(chain) > CHAIN_MAX:
        raise Refusal(Code.UNTRUSTED_KEY, "the certificate cannot be read")
    return chain


def _check_link(lower: x509.Certificate, upper: x509.Certificate) -> None:
    """Refuse a chain in which one certificate did not issue the one before it."""
    try:
        lower.verify_directly_issued_by(upper)
        authority = upper.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        authority = False
    if not authority:
        raise Refusal(Code.UNTRUSTED_KEY, "the certificate's chain is broken")


def _is_for(certificate: x509.Certificate, hosts: tuple[str, ...]) -> bool:
    """Whether one of its names is in the domain of a pinned host."""
    return any(
        name == domain or name.endswith("." + domain)
        for name in _names(certificate)
        for domain in (host.rpartition("*.")[2].lower() for host in hosts)
    )


def _names(certificate: x509.Certificate) -> list[str]:
    """DNS names of the certificate, else its common name."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except (ValueError, x509.ExtensionNotFound):
        names = []
    if not names:
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        names = [str(attribute.value) for attribute in common]
    return [name.lower().removeprefix("*.") for name in names]
