"""Adapter: webhooks reach applications of every kind, and careless ones are told from careful ones."""

import json

import pytest

from hookagent.errors import NotFound, OutsideError, UsageError
from hookagent.providers import catalog
from hookagent.providers.verify import Verifier
from hookagent.testing import Answer, Webhook, Webhooks, make_webhook
from hookagent.testing.keys import keys_of
from hookagent.testing.webhook import DAMAGES
from tests.cli.workbench import application
from tests.testing.conftest import asgi_app


@pytest.fixture
def webhooks_of():
    """Make `Webhooks` for an application, ended with the test."""
    made = []

    def make(app):
        made.append(Webhooks(lambda: app))
        return made[-1]

    yield make
    for one in made:
        one.close()


def secret():
    return keys_of(catalog.scheme("github")).verifying


def test_a_genuine_webhook_is_taken_and_every_other_refused(make_app, webhooks_of):
    webhooks = webhooks_of(make_app(secret()))

    taken = webhooks.send("github", "push", path="/in?a=1")

    assert (taken.status, taken.json(), taken.is_taken) == (200, {"ok": True}, True)
    assert dict(taken.headers).get("Content-Type", dict(taken.headers).get("content-type"))
    for damage in ("unsigned", "tampered", "truncated", "wrong-secret"):
        refused = webhooks.send("github", "push", damage=damage)
        assert (refused.status, refused.is_refused) == (403, True), damage


async def test_a_coroutine_awaits_instead(make_app):
    webhooks = Webhooks(lambda: make_app(secret()))

    once = await webhooks.asend("github", "push")
    async with webhooks:
        held = [await webhooks.asend("github", "push", damage=d) for d in ("", "tampered")]

    assert [answer.status for answer in (once, *held)] == [200, 200, 403]
    with pytest.raises(UsageError, match="coroutine"):
        webhooks.send("github", "push")


def test_the_lifespan_runs_once_around_all_requests(webhooks_of):
    notes: list[object] = []
    webhooks = webhooks_of(asgi_app(secret(), notes))

    webhooks.send("github", json={"a": 1}, path="/x%20y?z=1", method="PUT")
    webhooks.send("github", body="{}")
    webhooks.close()

    assert notes == [
        "lifespan.startup",
        ("PUT", "/x y", b"z=1", b'{"a":1}'),
        ("POST", "/", b"", b"{}"),
        "lifespan.shutdown",
    ]


def test_an_application_without_a_lifespan_is_fine_and_one_without_an_answer_is_said(webhooks_of):
    async def plain(scope, receive, send):
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    async def silent(scope, receive, send):
        return

    assert webhooks_of(plain).send("github", "push") == Answer(status=204)
    with pytest.raises(OutsideError, match="no answer"):
        webhooks_of(silent).send("github", "push")


def test_a_start_up_that_fails_is_said(webhooks_of):
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(OutsideError, match="no database"):
        webhooks_of(app).send("github", "push")


def test_a_url_is_sent_to_and_its_path_wins(webhooks_of):
    with application() as app:
        webhooks_of(app.url).send("github", "push", path="/given")
        webhooks_of(f"{app.url}/own").send("github", "push", path="/given")

    assert [path for _, path, _, _ in app.came] == ["/given", "/own"]


def test_what_is_no_application_is_said(webhooks_of):
    with pytest.raises(UsageError, match="no application"):
        webhooks_of(5).send("github", "push")


def test_a_missing_application_is_the_only_error_of_the_report():
    def find():
        raise LookupError("no application")

    with pytest.raises(LookupError) as caught:
        Webhooks(find).send("github", "push")

    assert caught.value.__context__ is None


# What is sent.


@pytest.mark.parametrize(
    "name",
    ["github", "stripe", "slack", "twilio", "svix", "discord", "sendgrid", "plaid", "gitlab"],
)
def test_a_webhook_of_any_scheme_verifies_with_the_secret_for_tests(name):
    keys = keys_of(catalog.scheme(name))
    form = {"headers": {"Content-Type": "application/x-www-form-urlencoded"}, "body": "a=1"}
    webhook = make_webhook(name, **(form if name == "twilio" else {"json": {"a": 1}}))
    verifier = Verifier(webhook.scheme, [keys.verifying], base_url="http://testserver")
    now = 1_790_000_000_000

    assert verifier.verify(webhook.signed(keys.signing, now=now), now).valid
    assert not verifier.verify(
        webhook.signed(keys.signing, now=now, damage="wrong-secret"), now
    ).valid
    assert keys_of(catalog.scheme(name)) == keys


def test_a_built_in_payload_can_be_changed():
    webhook = make_webhook(
        "github", "pull_request.opened", changes={"number": 7, "new.deep": [1]}, without=["sender"],
        headers={"X-A": "1"}, path="/in",
    )  # fmt: skip

    payload = json.loads(webhook.request.body)
    assert isinstance(webhook, Webhook)
    assert (payload["number"], payload["new"]) == (7, {"deep": [1]})
    assert "sender" not in payload
    assert webhook.request.headers.text("X-GitHub-Event") == "pull_request"
    assert (webhook.request.headers.text("x-a"), webhook.request.target) == ("1", "/in")


def test_a_scheme_may_be_ones_own():
    table = {"algorithm": "hmac-sha256", "header": "X-Own", "signed": "{body}"}

    signed = make_webhook(table, json={}).signed("secret-of-my-own")
    token = make_webhook("token", json={}, settings={"header": "X-Token"}).signed("t0ken")

    assert len(signed.headers.text("x-own") or "") == 64
    assert token.headers.text("x-token") == "t0ken"


def test_what_there_is_not_is_said():
    with pytest.raises(NotFound):
        make_webhook("githup")
    with pytest.raises(NotFound, match="push"):
        make_webhook("github", "pushed")
    with pytest.raises(UsageError, match="damage"):
        make_webhook("github").signed("secret", damage="eaten")
    assert len(DAMAGES) == 5
