"""Pure: where an ssh tunnel goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.tunnel.base import Readiness, TunnelOptions
from hookagent.tunnel.ssh_hosts import (
    Destination,
    Service,
    own_url,
    read_destination,
    url_in_answer,
    url_in_line,
)


def read(host: str = "", **more) -> Destination | Readiness:
    return read_destination(TunnelOptions(provider="ssh", host=host, **more))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("", (Service.LOCALHOST_RUN, "localhost.run", None, "nokey", 80)),
        ("me@localhost.run", (Service.LOCALHOST_RUN, "localhost.run", None, "me", 80)),
        ("pinggy", (Service.PINGGY, "a.pinggy.io", 443, "free", 0)),
        ("vps.example.test", (Service.OWN, "vps.example.test", None, None, 0)),
        ("me@vps.example.test:2222", (Service.OWN, "vps.example.test", 2222, "me", 0)),
        ("me@[2001:db8::1]:22", (Service.OWN, "2001:db8::1", 22, "me", 0)),
    ],
)
def test_a_host_is_read(host, expected):
    found = read(host)

    assert isinstance(found, Destination)
    assert (found.service, found.host, found.port, found.user, found.remote_port) == expected


@pytest.mark.parametrize("host", ["a b", "h:0", "h:70000", "@h", "h:x", "-"])
def test_what_is_no_host_is_told(host):
    found = read(host)

    assert isinstance(found, Readiness) or host == "-"


def test_a_domain_needs_a_fixed_port_behind_it():
    assert isinstance(read("h", domain="d.example.test"), Readiness)
    found = read("h", domain="d.example.test", remote_port=9000)
    assert isinstance(found, Destination)
    assert (found.bind, found.remote_port) == ("localhost", 9000)


def test_a_token_is_the_user_and_is_not_shown():
    found = read("pinggy", authtoken="s3cret-token")

    assert isinstance(found, Destination)
    assert found.user == "s3cret-token"
    assert "s3cret" not in found.shown


def test_the_address_of_a_server_of_ones_own():
    v4, v6 = read("h"), read("[2001:db8::1]")

    assert isinstance(v4, Destination)
    assert isinstance(v6, Destination)
    assert own_url(v4, "", 4000) == "http://h:4000"
    assert own_url(v6, "", 4000) == "http://[2001:db8::1]:4000"
    assert own_url(v4, "d.example.test", 4000) == "https://d.example.test"


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ('{"event":"tcpip-forward","address":"ab.lhr.life"}', "https://ab.lhr.life"),
        ("ab12.lhr.life tunneled with tls, https://ab12.lhr.life", "https://ab12.lhr.life"),
        ('{"event":"tcpip-forward","address":7}', ""),
        ('{"event":"authn"}', ""),
        ("{broken", ""),
        ("see https://localhost.run/docs", ""),
    ],
)
def test_localhost_runs_lines(line, url):
    assert url_in_line(Service.LOCALHOST_RUN, line) == url


def test_pinggys_words():
    assert url_in_line(Service.PINGGY, "at https://a-1.a.free.pinggy.link ok") == (
        "https://a-1.a.free.pinggy.link"
    )
    assert url_in_line(Service.OWN, "https://a.pinggy.link") == ""
    assert url_in_answer('{"urls":["http://a","https://b"]}') == "https://b"


@given(st.text())
def test_anything_a_server_says_is_read(text):
    assert isinstance(url_in_answer(text), str)
    for service in Service:
        assert isinstance(url_in_line(service, text), str)


@given(st.text())
def test_anything_a_person_writes_is_read(text):
    assert isinstance(read(text), Destination | Readiness)
