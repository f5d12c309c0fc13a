"""Whole: every provider's handshake over real HTTP, answered exactly as its documentation says.

One agent has a source for each provider. Requests are what the providers send, signed where they
sign; the answers expected here are written from their documentation, not taken from the catalogue.
"""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from hashlib import sha1, sha256
from urllib.parse import urlencode

import pytest

from hookagent.event import Headers, RawRequest
from tests.providers.kit import BASE_URL, KEY, OTHER_KEY, kit
from tests.whole.served import Served, run, serving, write_project

PROVIDERS = (
    "asana", "aws-sns", "azure-event-grid", "box", "braintree", "cloudevents", "discord", "dropbox", "fitbit",
    "github", "intercom", "linkedin", "meta", "microsoft-graph", "notion", "okta", "shopify", "slack", "strava",
    "stripe", "trello", "twilio", "twitch", "twitter", "whatsapp", "xero", "zoom",
)  # fmt: skip
NO_SECRET = frozenset({"asana", "notion"})
"""They hand their key over."""
VERIFY_TOKEN = "fake-verify-token-0123456789"
JSON = "application/json"
TEXT = "text/plain"


def source_of(name: str) -> str:
    """Return the table of one provider's source."""
    kitted = kit(name)
    lines = [f"[sources.{name}]", f'path = "/hooks/{name}"', f'scheme = "{name}"']
    if name not in NO_SECRET and kitted.scheme.needs_secret:
        key = "public_key" if "BEGIN" in kitted.verifying else "secret"
        lines.append(f"{key} = '''{kitted.verifying}'''")
    if name in {"meta", "whatsapp", "strava"}:
        lines.append(f'verify_token = "{VERIFY_TOKEN}"')
    lines += [f'{setting} = "{value}"' for setting, value in kitted.settings.items()]
    if name == "fitbit":
        lines.append('verification_code = "fake0123456789"')
    return "\n".join(lines)


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run one agent with a source for every provider."""
    more = "\n\n".join(map(source_of, PROVIDERS))
    folder = tmp_path_factory.mktemp("handshakes")
    project = write_project(folder, more=more, server=f'public_url = "{BASE_URL}"')
    with serving(project) as served:
        yield served


def send(
    agent: Served,
    name: str,
    payload: object = None,
    *,
    method: str = "POST",
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    key: bytes | None = None,
) -> tuple[int, str, bytes, dict[str, str]]:
    """Send a request to a provider's source, signed if a key is given; returns what came back."""
    target = f"/hooks/{name}" + (f"?{urlencode(query)}" if query else "")
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    request = RawRequest(
        method=method,
        target=target,
        headers=Headers.of({"Content-Type": JSON, **(headers or {})}),
        body=b"" if payload is None else body,
        base_url=BASE_URL,
    )
    if key is not None:
        request = kit(name, key).signed(request, int(time.time() * 1000))
    fields = dict(request.headers.items())
    status, found, answer = agent.request(method, request.target, request.body, fields)
    return status, found.get("content-type", "").partition(";")[0], answer, found


def test_slack_gets_its_challenge(agent: Served) -> None:
    payload = {
        "token": "fake",
        "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
        "type": "url_verification",
    }
    status, kind, body, _ = send(agent, "slack", payload, key=KEY)
    assert (status, kind, body) == (200, TEXT, payload["challenge"].encode())
    assert send(agent, "slack", payload, key=OTHER_KEY)[0] == 403


def test_discord_pings_are_answered_and_probes_refused(agent: Served) -> None:
    status, kind, body, _ = send(agent, "discord", {"type": 1, "id": "1"}, key=KEY)
    assert (status, kind, json.loads(body)) == (200, JSON, {"type": 1})
    assert send(agent, "discord", {"type": 1, "id": "1"}, key=OTHER_KEY)[0] == 401
    status, _, body, _ = send(agent, "discord", {"version": 1, "type": 0}, key=KEY)
    assert (status, body) == (204, b"")


def test_zoom_gets_its_token_hashed(agent: Served) -> None:
    payload = {
        "payload": {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"},
        "event": "endpoint.url_validation",
        "event_ts": 1,
    }
    status, kind, body, _ = send(agent, "zoom", payload, key=KEY)
    expected = hmac.new(kit("zoom").signing.encode(), b"qgg8vlvZRS6UYooatFL8Aw", sha256).hexdigest()
    assert (status, kind) == (200, JSON)
    assert json.loads(body) == {"plainToken": "qgg8vlvZRS6UYooatFL8Aw", "encryptedToken": expected}


def test_zoom_signs_nothing_that_a_delivery_could_be(agent: Served) -> None:
    payload = {
        "payload": {"plainToken": 'v0:1700000000:{"event":"forged"}'},
        "event": "endpoint.url_validation",
    }
    status, _, body, _ = send(agent, "zoom", payload)
    assert status in {401, 403}
    assert b"encryptedToken" not in body


@pytest.mark.parametrize(("name", "kind"), [("meta", TEXT), ("whatsapp", TEXT), ("strava", JSON)])
def test_a_hub_challenge_is_given_back_to_who_knows_the_token(
    agent: Served, name: str, kind: str
) -> None:
    query = {
        "hub.mode": "subscribe",
        "hub.challenge": "1158201444",
        "hub.verify_token": VERIFY_TOKEN,
    }
    status, found, body, _ = send(agent, name, method="GET", query=query)
    assert (status, found) == (200, kind)
    assert body == b"1158201444" or json.loads(body) == {"hub.challenge": "1158201444"}
    wrong = send(agent, name, method="GET", query=query | {"hub.verify_token": "guess"})
    assert (wrong[0], b"1158201444" in wrong[2]) == (403, False)


def test_microsoft_graph_gets_its_token_decoded(agent: Served) -> None:
    token = "Validation: Testing client application reachability for subscription Request-Id: 1+2"
    status, kind, body, _ = send(agent, "microsoft-graph", b"", query={"validationToken": token})
    assert (status, kind, body) == (200, TEXT, token.encode())
    event = {"value": [{"clientState": kit("microsoft-graph").signing, "changeType": "created"}]}
    assert send(agent, "microsoft-graph", event)[0] == 202


def test_dropbox_gets_its_challenge_and_no_guessing_of_types(agent: Served) -> None:
    status, kind, body, headers = send(
        agent, "dropbox", method="GET", query={"challenge": "abc123"}
    )
    assert (status, kind, body) == (200, TEXT, b"abc123")
    assert headers["x-content-type-options"] == "nosniff"


def test_okta_gets_its_challenge_as_json(agent: Served) -> None:
    headers = {"X-Okta-Verification-Challenge": "fake-challenge-01"}
    status, kind, body, _ = send(agent, "okta", method="GET", headers=headers)
    assert (status, kind) == (200, JSON)
    assert json.loads(body) == {"verification": "fake-challenge-01"}


def test_x_gets_its_token_signed(agent: Served) -> None:
    token = "MTZjZTU5MDktZmFrZS1jcmMtdG9rZW4"
    status, kind, body, _ = send(agent, "twitter", method="GET", query={"crc_token": token})
    digest = hmac.new(kit("twitter").signing.encode(), token.encode(), sha256).digest()
    expected = "sha256=" + base64.b64encode(digest).decode()
    assert (status, kind, json.loads(body)) == (200, JSON, {"response_token": expected})


@pytest.mark.parametrize("name", ["trello", "intercom"])
def test_a_head_request_finds_the_address(agent: Served, name: str) -> None:
    status, _, body, _ = send(agent, name, method="HEAD")
    assert (status, body) == (200, b"")


def test_xero_gets_200_for_a_right_and_401_for_a_wrong_signature(agent: Served) -> None:
    payload = {
        "events": [],
        "firstEventSequence": 0,
        "lastEventSequence": 0,
        "entropy": "S0m3r4nd0m",
    }
    status, _, body, _ = send(agent, "xero", payload, key=KEY)
    assert (status, body) == (200, b"")
    status, _, body, _ = send(agent, "xero", payload, key=OTHER_KEY)
    assert (status, body) == (401, b"")


def test_twitch_gets_its_challenge(agent: Served) -> None:
    payload = {"challenge": "pogchamp-kappa-360noscope-vohiyo", "subscription": {"id": "1"}}
    headers = {"Twitch-Eventsub-Message-Type": "webhook_callback_verification"}
    status, kind, body, _ = send(agent, "twitch", payload, headers=headers, key=KEY)
    assert (status, kind, body) == (200, TEXT, b"pogchamp-kappa-360noscope-vohiyo")
    assert send(agent, "twitch", payload, headers=headers, key=OTHER_KEY)[0] == 403


def test_cloudevents_allows_the_origin_that_asks(agent: Served) -> None:
    headers = {"WebHook-Request-Origin": "eventemitter.example.com", "WebHook-Request-Rate": "60"}
    status, _, _, found = send(agent, "cloudevents", method="OPTIONS", headers=headers)
    assert status == 200
    assert found["webhook-allowed-origin"] == "eventemitter.example.com"
    assert found["webhook-allowed-rate"] == "60"


def test_github_is_pinged(agent: Served) -> None:
    headers = {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "1"}
    assert send(agent, "github", {"zen": "Design for failure."}, headers=headers, key=KEY)[0] == 200
    assert send(agent, "github", {"zen": "x"}, headers=headers, key=OTHER_KEY)[0] == 403


def test_braintree_gets_public_key_and_hmac(agent: Served) -> None:
    challenge = "20f9f8ed05f77439fe955c977e4c8a53"
    status, _, body, _ = send(agent, "braintree", method="GET", query={"bt_challenge": challenge})
    key = sha1(kit("braintree").signing.encode()).digest()
    digest = hmac.new(key, challenge.encode(), sha1).hexdigest()
    assert (status, body) == (200, f"api_public_key-value|{digest}".encode())


def test_fitbit_gets_204_for_its_code_and_404_for_another(agent: Served) -> None:
    assert send(agent, "fitbit", method="GET", query={"verify": "fake0123456789"})[0] == 204
    assert send(agent, "fitbit", method="GET", query={"verify": "other"})[0] == 404


def test_linkedin_gets_its_code_signed(agent: Served) -> None:
    code = "890e4665-4dfe-4ab1-b689-ed553bceeed0"
    status, kind, body, _ = send(agent, "linkedin", method="GET", query={"challengeCode": code})
    digest = hmac.new(kit("linkedin").signing.encode(), code.encode(), sha256).hexdigest()
    assert (status, kind) == (200, JSON)
    assert json.loads(body) == {"challengeCode": code, "challengeResponse": digest}


def test_event_grid_gets_its_code(agent: Served) -> None:
    payload = [
        {
            "id": "1",
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "data": {"validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"},
        }
    ]
    headers = {"aeg-event-type": "SubscriptionValidation"}
    status, kind, body, _ = send(agent, "azure-event-grid", payload, headers=headers, key=KEY)
    assert (status, kind) == (200, JSON)
    assert json.loads(body) == {"validationResponse": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}


def test_asana_hands_its_key_over_only_while_the_source_is_armed(agent: Served) -> None:
    key = "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81"
    assert send(agent, "asana", b"", headers={"X-Hook-Secret": key})[0] in {401, 403}
    assert run(agent.folder, "sources", "arm", "asana").returncode == 0
    status, _, body, headers = send(agent, "asana", b"", headers={"X-Hook-Secret": key})
    assert (status, body, headers["x-hook-secret"]) == (200, b"", key)

    events = b'{"events":[{"action":"changed"}]}'
    proof = {"X-Hook-Signature": hmac.new(key.encode(), events, sha256).hexdigest()}
    assert send(agent, "asana", events, headers=proof)[0] == 200
    assert send(agent, "asana", b"", headers={"X-Hook-Secret": "another" * 5})[0] in {401, 403}


def test_notion_hands_its_token_over_only_while_the_source_is_armed(agent: Served) -> None:
    payload = {"verification_token": "secret_fake0123456789abcdef"}
    assert send(agent, "notion", payload)[0] in {401, 403}
    assert run(agent.folder, "sources", "arm", "notion").returncode == 0
    assert send(agent, "notion", payload)[0] == 200
    body = b'{"id":"1","type":"page.created"}'
    digest = hmac.new(payload["verification_token"].encode(), body, sha256).hexdigest()
    assert send(agent, "notion", body, headers={"X-Notion-Signature": f"sha256={digest}"})[0] == 200


def test_sns_confirms_no_subscription_that_is_not_signed(agent: Served) -> None:
    payload = {
        "Type": "SubscriptionConfirmation",
        "SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription",
    }
    status, _, body, _ = send(agent, "aws-sns", payload)
    assert status in {401, 403}
    assert b"amazonaws" not in body


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("stripe", {"id": "evt_1", "type": "charge.succeeded"}),
        ("shopify", {"id": 1}),
        ("box", {"id": "1", "trigger": "FILE.UPLOADED"}),
    ],
)
def test_an_ordinary_delivery_is_answered_with_200(
    agent: Served, name: str, payload: object
) -> None:
    assert send(agent, name, payload, key=KEY)[0] == 200
    assert send(agent, name, payload, key=OTHER_KEY)[0] == 403


def test_twilio_gets_an_empty_twiml(agent: Served) -> None:
    form = b"MessageSid=SM1&SmsStatus=received&Body=zw%C3%B6lf&From=%2B15005550006"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "I-Twilio-Idempotency-Token": "1",
    }
    status, kind, body, _ = send(agent, "twilio", form, headers=headers, key=KEY)
    assert (status, kind, body) == (200, "text/xml", b"<Response/>")
