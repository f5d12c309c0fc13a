"""Pure: T17, the judgement on addresses."""

import pytest

from hookagent.actions.base import Own
from hookagent.actions.egress import Permit, is_own_host, is_public, read_address, refusal

LOCAL = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "128.0.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "192.167.0.1",
    "198.17.0.1",
    "198.20.0.1",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:80e::200e",
    "::ffff:8.8.8.8",
    "2001:4860:4860::8888",
]


@pytest.mark.parametrize("text", LOCAL)
def test_a_local_address_is_refused_for_any_name(text):
    assert refusal(text, 80, Permit("api.example.test"), Own()) is not None


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_allowed(text):
    address = read_address(text)
    assert address is not None
    assert is_public(address)
    assert refusal(text, 443, Permit("api.example.test"), Own()) is None


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "localhost"),
        ("::1", "localhost"),
        ("::1", "::1"),
        ("192.168.0.5", "192.168.0.5"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
    ],
)
def test_a_local_address_that_was_written_out_is_allowed(address, host):
    assert refusal(address, 3000, Permit(host), Own()) is None


@pytest.mark.parametrize(
    ("address", "host"),
    [("192.168.0.6", "192.168.0.5"), ("192.168.0.5", "localhost"), ("127.0.0.2", "127.0.0.1")],
)
def test_another_address_than_the_one_written_is_refused(address, host):
    assert refusal(address, 3000, Permit(host), Own()) is not None


def test_a_name_may_lead_to_a_local_address_when_the_rule_allows_it():
    assert refusal("10.0.0.1", 80, Permit("jira.corp.test", is_local=True), Own()) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "0.0.0.0", "::ffff:127.0.0.1"])
def test_our_own_ports_are_refused_however_they_are_written(address):
    own = Own(ports=frozenset({8787}))

    assert "own" in (refusal(address, 8787, Permit(address, is_local=True), own) or "")
    assert refusal(address, 8786, Permit(address, is_local=True), own) is None


def test_what_is_no_address_is_refused():
    assert refusal("example.test", 80, Permit("example.test"), Own()) is not None


def test_our_public_host_is_known_in_any_case_and_with_a_final_dot():
    hosts = frozenset({"abc.ngrok.test"})

    assert is_own_host("ABC.ngrok.test.", hosts)
    assert not is_own_host("abc.ngrok.test.evil.test", hosts)
