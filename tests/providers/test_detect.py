"""Pure: providers are recognised by their headers, and doubt is no guess."""

import pytest

from hookagent.event import Headers, RawRequest
from hookagent.providers.detect import likely_schemes, recognized


def request(*names):
    return RawRequest(headers=Headers.of(dict.fromkeys(names, "x")))


@pytest.mark.parametrize(
    ("names", "provider"),
    [
        (["X-GitHub-Event", "X-GitHub-Delivery", "X-Hub-Signature-256"], "github"),
        (["Stripe-Signature"], "stripe"),
        (["X-Slack-Signature", "X-Slack-Request-Timestamp"], "slack"),
        (["X-Shopify-Hmac-Sha256", "X-Shopify-Topic"], "shopify"),
        (["X-Twilio-Signature"], "twilio"),
        (["webhook-id", "webhook-timestamp", "webhook-signature"], "standard-webhooks"),
        (["svix-id", "svix-timestamp", "svix-signature"], "svix"),
    ],
)
def test_a_provider_is_recognised(names, provider):
    found = recognized(request(*names))

    assert found is not None
    assert found.name == provider


@pytest.mark.parametrize("names", [[], ["Content-Type", "Authorization"], ["X-Signature"]])
def test_what_several_could_have_sent_is_nobodys(names):
    assert recognized(request(*names)) is None


def test_likely_schemes_are_the_most_specific_first():
    found = likely_schemes(request("X-GitHub-Event", "X-GitHub-Delivery", "X-Hub-Signature-256"))

    assert found[0].name == "github"
