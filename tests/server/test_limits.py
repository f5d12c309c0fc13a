"""Pure: whose word on the sender's address is believed."""

from ipaddress import ip_network

import pytest

from hookagent.config.model import Server
from hookagent.event import Headers
from hookagent.server.limits import Limits


@pytest.mark.parametrize(
    ("peer", "trusted", "behind_tunnel", "forwarded", "expected"),
    [
        ("192.0.2.7", (), False, "10.0.0.1", "192.0.2.7"),
        ("127.0.0.1", (), True, "198.51.100.1, 192.0.2.9", "192.0.2.9"),
        ("127.0.0.1", (), True, "", ""),
        ("127.0.0.1", (), True, "nonsense", ""),
        ("192.0.2.7", (), True, "10.0.0.1", "192.0.2.7"),
        ("192.0.2.7", ("192.0.2.0/24",), False, "10.0.0.1", "10.0.0.1"),
        ("192.0.3.7", ("192.0.2.0/24",), False, "10.0.0.1", "192.0.3.7"),
        ("", (), True, "10.0.0.1", ""),
    ],
)
def test_the_last_hop_is_believed_from_our_tunnel_and_from_trusted_proxies(
    peer, trusted, behind_tunnel, forwarded, expected
):
    server = Server(trusted_proxies=tuple(ip_network(one) for one in trusted))
    limits = Limits(server, behind_tunnel=behind_tunnel)

    assert limits.client_ip(peer, Headers.of([("X-Forwarded-For", forwarded)])) == expected
