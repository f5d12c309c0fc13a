"""Which addresses an action may connect to: a judgement on the address itself, not on its name.

Names lie (rebinding) and take many forms, so the judgement is made when a socket is about to
connect (SECURITY R8, R9 and section 3 decision 6). Public addresses pass. A local one passes only
where the rule's author wrote that very address, or `localhost`, or `allow_local = true`; ours
never does (R12).
"""

import ipaddress
from collections.abc import Collection

import msgspec

from hookagent.actions.base import Own

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_DENIED_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
"""The IANA special-purpose registry; `is_global` of older Pythons has gaps (CVE-2024-4032)."""
_ALLOWED_V6 = ipaddress.IPv6Network("2000::/3")
_DENIED_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


class Permit(msgspec.Struct, frozen=True):
    """What the rule's author wrote about where a request may go."""

    host: str = ""
    """The literal host of the URL, in small letters, without brackets."""
    is_local: bool = False
    """`allow_local = true`: the name may stand for a local address."""


def read_address(text: str) -> Address | None:
    """Read an address, without its zone, an IPv4 one inside IPv6 unwrapped; None for a name."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _DENIED_V4)
    return address in _ALLOWED_V6 and not any(address in network for network in _DENIED_V6)


def refusal(text: str, port: int, permit: Permit, own: Own) -> str | None:
    """Return why a connection must not be made, or None where it may."""
    address = read_address(text)
    if address is None:
        return f"`{text}` is not an address"
    if port in own.ports and (address.is_loopback or address.is_unspecified):
        return f"port {port} is hookagent's own; use the `emit` action to chain rules"
    if is_public(address) or permit.is_local or _is_written(address, permit.host):
        return None
    return f"`{permit.host}` leads to the local address {address}"


def _is_written(address: Address, host: str) -> bool:
    if host == "localhost":
        return address.is_loopback
    return read_address(host) == address


def is_own_host(host: str, hosts: Collection[str]) -> bool:
    """Whether a host name leads to our own listener."""
    return host.rstrip(".").lower() in hosts
