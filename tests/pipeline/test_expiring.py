"""Certificates and tokens of a project: found where they are, asked for seldom, never shown."""

import asyncio
import ssl

import pytest

from hookagent.config.load import load
from hookagent.pipeline.expiring import (
    EVERY_MS,
    PUBLISHED_MS,
    Expiring,
    certificate_end,
    certificates_end,
)
from hookagent.watch.expiry import CERTIFICATE, TOKEN, Ends
from tests.watch.test_expiry import jwt
from tests.whole.certificates import END, make_certificate
from tests.whole.served import write_project

T0 = 1_800_000_000_000


def project(folder, more="", environ=None):
    write_project(folder, more=more)
    return load(folder / "hookagent.toml", environ=environ or {}, cwd=folder)


def expiring(config, *, url=None, targets=None, published=None, probe=None):
    async def nothing(_host, _port):
        return None

    return Expiring(
        config,
        targets=lambda: targets or {},
        public_url=lambda: url,
        published=lambda: published or {},
        probe=probe or nothing,
    )


@pytest.mark.parametrize("ended", [END, 1_600_000_000])
async def test_a_server_is_asked_for_its_certificate_even_an_ended_one(tmp_path, ended):
    make_certificate(tmp_path, ended)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "it.crt", tmp_path / "it.key")

    async def greet(_reader, writer):
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
    try:
        port = server.sockets[0].getsockname()[1]
        assert await certificate_end("127.0.0.1", port) == ended * 1000
    finally:
        server.close()
        await server.wait_closed()


async def test_a_server_that_is_not_there_has_no_end():
    assert await certificate_end("127.0.0.1", 9) is None


def test_the_first_of_several_certificates_counts(tmp_path):
    later, sooner = make_certificate(tmp_path, END + 5), make_certificate(tmp_path, END)
    assert certificates_end(later + sooner) == END * 1000
    assert certificates_end("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----") is None
    assert certificates_end("a secret") is None


async def test_our_public_address_is_asked_once_an_hour_and_when_it_changes(tmp_path):
    asked = []

    async def probe(host, port):
        asked.append((host, port))
        return END * 1000

    found = expiring(project(tmp_path), url="https://a.test", probe=probe)
    for minute in range(0, 119, 7):
        found.known(T0 + minute * 60_000)
        await asyncio.sleep(0)
    assert asked == [("a.test", 443)] * 2
    assert found.known(T0 + EVERY_MS * 2)[0] == Ends(
        kind=CERTIFICATE, subject="a.test", at=END * 1000
    )
    found._public_url = lambda: "https://b.test:8443"
    found.known(T0 + EVERY_MS * 2)
    await asyncio.sleep(0)
    assert asked[-1] == ("b.test", 8443)
    await found.close()


async def test_a_plain_address_is_not_asked(tmp_path):
    async def probe(_host, _port):
        raise AssertionError

    found = expiring(project(tmp_path), url="http://a.test", probe=probe)
    assert found.known(T0) == []
    await asyncio.sleep(0)


async def test_tokens_and_certificates_of_the_configuration_are_found_and_not_shown(tmp_path):
    token = jwt({"exp": 1_850_000_000})
    config = project(
        tmp_path,
        '[sources.other]\npath = "/o"\nscheme = "token"\nheader = "X-T"\nsecret = "${TOKEN}"\n',
        {"TOKEN": token, "UNUSED": jwt({"exp": 1_800_000_001})},
    )
    (found,) = expiring(config).known(T0)
    assert found == Ends(kind=TOKEN, subject="${TOKEN}", at=1_850_000_000_000)
    assert token not in repr(found)


async def test_targets_and_published_keys_are_known_where_they_were_seen(tmp_path):
    found = expiring(
        project(tmp_path),
        targets={"api.test": T0 + 5},
        published={
            "https://keys.test/a.pem": make_certificate(tmp_path).encode(),
            "https://b.test/jwks": b"{}",
        },
    )
    assert found.known(T0) == [
        Ends(kind=CERTIFICATE, subject="api.test", at=T0 + 5),
        Ends(
            kind=CERTIFICATE,
            subject="https://keys.test/a.pem",
            at=END * 1000,
            within_ms=PUBLISHED_MS,
        ),
    ]
