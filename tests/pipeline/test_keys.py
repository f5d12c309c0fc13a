"""Adapter: published keys from a key server of the test's own."""

import asyncio
import base64
import json
from dataclasses import replace

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jws
from joserfc.jwk import import_key

from hookagent.actions.base import Outside
from hookagent.actions.egress import Permit
from hookagent.config.model import Source
from hookagent.environment import Environment
from hookagent.event import Headers, RawRequest
from hookagent.pipeline.keys import (
    CACHED_MAX,
    FRESH_LEAST_MS,
    FRESH_MOST_MS,
    FRESH_MS,
    KEPT_MS,
    MINUTE_MS,
    PAUSE_LEAST_MS,
    RENEWED_MS,
    STARTED_MAX,
    UNDER_WAY_MAX,
    Fetched,
    NoKey,
    PublishedKeys,
    fresh_ms,
    guarded_fetch,
    published_keys,
)
from hookagent.providers import catalog
from hookagent.providers.keyaddress import hosts
from hookagent.providers.shape import Family, KeyRule
from hookagent.providers.sign import sign
from hookagent.providers.verify import Verifier
from tests.providers.kit import KEY, pair
from tests.providers.test_jwt import BODY, RULES, jwk_of, scheme

HOSTS = ("keys.example.test", "*.amazonaws.com")
URL = "https://keys.example.test/jwks"


class Clock:
    def __init__(self):
        self.now = 1_800_000_000_000

    def __call__(self):
        return self.now


class Server:
    """What each path answers, and what was asked."""

    def __init__(self):
        self.answers = {}
        self.asked = []
        self.posted: list[bytes] = []
        self.base = ""

    async def answer(self, request):
        self.asked.append(request.path)
        self.posted.append(await request.read())
        status, body, headers = self.answers.get(request.path, (404, b"", {}))
        return web.Response(status=status, body=body, headers=headers)

    def gives(self, path, body, *, status=200, **headers):
        self.answers[path] = (status, body, headers)


@pytest.fixture
async def server():
    made = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    async with TestServer(app) as running:
        made.base = f"http://127.0.0.1:{running.port}"
        yield made


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def outside(tmp_path, clock):
    made = Outside(folder=tmp_path, state=tmp_path, environment=Environment({}), clock=clock)
    yield made
    await made.close()


@pytest.fixture
def said():
    return []


@pytest.fixture
async def keys(server, outside, clock, said):
    def place(address):
        return server.base + "/" + address.split("/", 3)[3], Permit(host="127.0.0.1")

    made = PublishedKeys(guarded_fetch(outside, place), HOSTS, clock=clock, say=said.append)
    yield made
    await made.close()


async def test_a_document_is_at_hand_once_it_was_fetched(keys, server):
    server.gives("/jwks", b"one")

    assert keys.get(URL, "jwks") is None
    await keys.settled()

    assert keys.get(URL, "jwks") == b"one"
    assert server.asked == ["/jwks"]


async def test_what_is_sure_to_be_asked_for_is_fetched_before(keys, server):
    server.gives("/jwks", b"one")

    keys.warm([URL, URL])
    await keys.settled()
    keys.warm([URL])

    assert keys.get(URL, "jwks") == b"one"
    assert server.asked == ["/jwks"]


async def test_a_document_is_renewed_before_it_runs_out_and_serves_meanwhile(keys, server, clock):
    server.gives("/jwks", b"old", **{"Cache-Control": "public, max-age=600"})
    keys.warm([URL])
    await keys.settled()
    server.gives("/jwks", b"new")

    clock.now += 599_000
    assert keys.get(URL, "jwks") == b"old"
    await keys.settled()
    assert keys.get(URL, "jwks") == b"old"
    clock.now += 1_000
    assert keys.get(URL, "jwks") == b"old"
    await keys.settled()

    assert keys.get(URL, "jwks") == b"new"


async def test_a_document_that_cannot_be_renewed_is_used_for_two_days_and_no_longer(
    keys, server, clock, said
):
    server.gives("/jwks", b"old")
    keys.warm([URL])
    await keys.settled()
    server.gives("/jwks", b"", status=500)

    clock.now += KEPT_MS - 1
    assert keys.get(URL, "jwks") == b"old"
    await keys.settled()
    clock.now += 1
    assert keys.get(URL, "jwks") is None
    assert said == [f"the public key at {URL} could not be fetched: it answered 500"]


@pytest.mark.parametrize(
    "url",
    [
        "http://keys.example.test/jwks",
        "https://keys.example.test:8443/jwks",
        "https://user@keys.example.test/jwks",
        "https://evil.test/jwks",
        "https://keys.example.test.evil.test/jwks",
        "https://127.0.0.1/jwks",
        "not an address",
        "",
    ],
)
async def test_only_pinned_hosts_over_https_are_asked(keys, server, url):
    assert keys.get(url, "pem") is None
    assert not keys.renew(url, "pem")
    keys.warm([url])
    await keys.settled()

    assert server.asked == []


async def test_after_a_failure_there_is_a_pause_that_doubles(keys, server, clock, said):
    for pause in (PAUSE_LEAST_MS, PAUSE_LEAST_MS * 2, PAUSE_LEAST_MS * 4):
        asked = len(server.asked)
        assert keys.get(URL, "pem") is None
        await keys.settled()
        assert len(server.asked) == asked + 1
        clock.now += pause - 1
        assert keys.get(URL, "pem") is None
        await keys.settled()
        assert len(server.asked) == asked + 1
        clock.now += 1
    assert len(said) == 3


async def test_a_key_that_is_missing_renews_its_document_at_most_once_a_minute(keys, server, clock):
    server.gives("/jwks", b"old")
    keys.warm([URL])
    await keys.settled()

    assert not keys.renew(URL, "jwks")
    clock.now += RENEWED_MS
    server.gives("/jwks", b"new")
    assert keys.renew(URL, "jwks")
    assert keys.renew(URL, "jwks")
    await keys.settled()

    assert keys.get(URL, "jwks") == b"new"
    assert not keys.renew(URL, "jwks")
    assert server.asked == ["/jwks", "/jwks"]


async def test_the_documents_kept_and_the_fetches_under_way_are_bounded(clock, said):
    begun = []
    gate = asyncio.Event()

    async def fetch(url, post):
        begun.append(url)
        await gate.wait()
        if url.endswith("/bad"):
            raise NoKey("no")
        return Fetched(b"x")

    keys = PublishedKeys(fetch, HOSTS, clock=clock, say=said.append)
    urls = [f"https://keys.example.test/{number}" for number in range(CACHED_MAX * 2)]
    keys.warm(urls)
    gate.set()
    await keys.settled()
    assert len(begun) == UNDER_WAY_MAX

    for url in urls:
        clock.now += MINUTE_MS // STARTED_MAX
        keys.warm([url])
        await keys.settled()
    at_hand = [url for url in urls if keys.get(url, "pem")]
    assert at_hand == urls[-CACHED_MAX:]
    await keys.close()


async def test_a_document_that_is_asked_for_outlives_the_others(clock, said):
    async def fetch(url, post):
        return Fetched(b"x")

    keys = PublishedKeys(fetch, HOSTS, clock=clock, say=said.append)
    keys.warm([URL])
    await keys.settled()
    for number in range(CACHED_MAX * 2):
        assert keys.get(URL, "pem") == b"x"
        clock.now += MINUTE_MS // STARTED_MAX
        keys.warm([f"https://keys.example.test/{number}"])
        await keys.settled()


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 200), (b"x" * 300_000, 200), (b"x" * 2_000_000, 200), (b"x", 302)]
)
async def test_what_cannot_be_a_key_document_is_not_kept(keys, server, said, body, status):
    server.gives("/jwks", body, status=status)

    keys.warm([URL])
    await keys.settled()

    assert keys.get(URL, "jwks") is None
    assert said


async def test_the_guard_refuses_a_local_address_without_a_permit(outside):
    fetch = guarded_fetch(outside)

    with pytest.raises(NoKey, match="local address"):
        await fetch("https://127.0.0.1:1/jwks", b"")


async def test_close_ends_a_fetch(clock, said):
    async def fetch(url, post):
        await asyncio.Event().wait()

    keys = PublishedKeys(fetch, HOSTS, clock=clock, say=said.append)
    keys.warm([URL])

    await keys.close()

    assert said == []


async def test_a_delivery_is_verified_with_the_fetched_key(keys, server, clock):
    private, public = pair(Family.RSA, KEY)
    rules = msgspec.structs.replace(RULES, algorithms=("RS256",), issuer=())
    keyed = scheme(rules, keys=KeyRule(urls=(URL,), hosts=HOSTS[:1], kind="jwks"))
    signed = sign(keyed, RawRequest(body=BODY), private, now=clock.now)
    verifier = Verifier(keyed, [], keys=keys)
    server.gives("/jwks", json.dumps({"keys": [jwk_of(public)]}).encode())

    first = verifier.verify(signed, clock.now)
    await keys.settled()

    assert (first.code, first.status) == ("key-unavailable", 503)
    assert verifier.verify(signed, clock.now).valid


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, FRESH_MS),
        ("no-store", FRESH_MS),
        ("public, max-age=7200, must-revalidate", 7_200_000),
        ("max-age=0", FRESH_LEAST_MS),
        ("MAX-AGE=999999999", FRESH_MOST_MS),
        ("s-max-age=1, x-max-age=7", FRESH_MS),
        ("max-age=\u0663", FRESH_MS),
    ],
)
def test_freshness_goes_by_cache_control_within_bounds(text, expected):
    assert fresh_ms(text) == expected


def source(name, **changes):
    made = Source(name=name, path="/x", scheme=catalog.scheme(name))
    return replace(made, **changes)


async def test_only_sources_without_a_configured_key_are_warmed(outside, monkeypatch):
    asked = []

    def fetches(_outside):
        async def fetch(url, post):
            asked.append(url)
            return Fetched(b"x")

        return fetch

    monkeypatch.setattr("hookagent.pipeline.keys.guarded_fetch", fetches)
    pubsub, kinde = "google-pubsub", {"issuer": "https://me.kinde.com"}
    sources = [source(pubsub), source("kinde", settings=kinde), source("aws-sns"), source("stripe")]

    async with published_keys(sources, outside) as keys:
        await keys.settled()
        assert sorted(asked) == [
            "https://me.kinde.com/.well-known/jwks.json",
            "https://www.googleapis.com/oauth2/v3/certs",
        ]
        assert keys.get("https://sns.eu-west-1.amazonaws.com/a.pem", "certificate") is None
        assert keys.get("https://api.stripe.com/key", "pem") is None
        await keys.settled()

    assert asked[2:] == ["https://sns.eu-west-1.amazonaws.com/a.pem"]
    async with published_keys([source(pubsub, secrets=("PEM",))], outside) as keys:
        await keys.settled()
    assert len(asked) == 3


async def test_made_up_key_ids_cannot_have_us_ask_without_end(clock, said):
    begun = []

    async def fetch(url, post):
        begun.append(post)
        raise NoKey("no such key")

    keys = PublishedKeys(fetch, HOSTS, clock=clock, say=said.append)
    for number in range(STARTED_MAX * 2):
        keys.get(URL, "jwks", str(number).encode())
        await keys.settled()
    assert len(begun) == STARTED_MAX

    clock.now += MINUTE_MS
    keys.get(URL, "jwks", b"right")
    await keys.settled()
    assert begun[-1] == b"right"


async def test_plaids_key_is_asked_for_with_the_sources_credentials(server, outside, clock, said):
    found = catalog.scheme("plaid")
    private, public = pair(Family.ECDSA, KEY)
    settings = {"client_id": "id-1", "client_secret": "secret-1"}
    token = sign(found, RawRequest(body=BODY), private, now=clock.now).headers
    (text,) = token.all("Plaid-Verification")
    jwk = import_key(public, "EC").as_dict(private=False)
    server.gives("/webhook_verification_key/get", json.dumps({"key": jwk}).encode())

    def place(address):
        return server.base + "/" + address.split("/", 3)[3], Permit(host="127.0.0.1")

    keys = PublishedKeys(guarded_fetch(outside, place), hosts(found), clock=clock, say=said.append)
    verifier = Verifier(found, [], keys=keys, settings=settings)
    signed = RawRequest(headers=with_kid(text, private, "kid-1"), body=BODY)

    assert verifier.verify(signed, clock.now).code == "key-unavailable"
    await keys.settled()

    assert json.loads(server.posted[0]) == {
        "client_id": "id-1", "secret": "secret-1", "key_id": "kid-1",
    }  # fmt: skip
    assert verifier.verify(signed, clock.now).valid
    bare = Verifier(found, [], keys=keys).verify(signed, clock.now)
    assert bare.code == "key-unavailable"
    assert "`client_id`" in bare.detail
    strange = RawRequest(headers=with_kid(text, private, '"}{'), body=BODY)
    assert verifier.verify(strange, clock.now).code == "untrusted-key"
    await keys.close()


def with_kid(token, private, kid):
    """Sign the claims of a token again, with a key id."""
    claims = token.split(b".")[1]
    payload = base64.urlsafe_b64decode(claims + b"=" * (-len(claims) % 4))
    header = {"alg": "ES256", "kid": kid}
    made = jws.serialize_compact(header, payload, import_key(private, "EC"), ["ES256"])
    return Headers.of({"Plaid-Verification": made})
