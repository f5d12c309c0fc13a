"""Every file of the catalogue: complete, honest, and a scheme that signs what it verifies."""

import re

import pytest

from hookagent.errors import ConfigError, NotFound
from hookagent.providers import catalog
from hookagent.providers.shape import Family
from tests.providers.kit import NOW, OTHER_KEY, kit, scheme_names

PROVIDERS_LEAST = 190
REQUIRED = (
    "stripe", "standard-webhooks", "svix", "github", "gitlab", "bitbucket", "gitea", "slack",
    "discord", "shopify", "twilio", "sendgrid", "mailgun", "postmark", "zendesk", "freshdesk",
    "intercom", "hubspot", "linear", "jira", "asana", "trello", "notion", "airtable", "monday",
    "clickup", "calendly", "typeform", "zoom", "docusign", "dropbox", "box", "meta", "whatsapp",
    "line", "telegram", "paypal", "square", "paddle", "lemonsqueezy", "adyen", "braintree",
    "razorpay", "coinbase-commerce", "plaid", "mollie", "gocardless", "chargebee", "recurly",
    "xero", "quickbooks", "woocommerce", "bigcommerce", "pagerduty", "sentry", "datadog",
    "grafana", "vercel", "netlify", "heroku", "circleci", "travis", "buildkite", "contentful",
    "sanity", "ghost", "segment", "auth0", "workos", "clerk", "okta", "twitch", "websub",
    "strava", "fitbit", "mux", "cloudflare", "supabase", "resend", "openai", "anthropic",
    "replicate", "aws-sns", "azure-event-grid", "microsoft-graph", "google-pubsub",
    "cloudevents", "mcp-events", "rfc9421", "token", "basic", "bearer", "query-token", "hmac",
)  # fmt: skip
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
NEEDS_NO_SECRET = {"none", "magento"}
UNSURE = re.compile(r"not confirmed|unconfirmed", re.IGNORECASE)


def test_it_holds_everything_that_was_asked_for() -> None:
    assert len(catalog.names()) >= PROVIDERS_LEAST
    assert not set(REQUIRED) - set(catalog.names())


@pytest.mark.parametrize("name", catalog.names())
def test_a_file_says_everything_a_user_needs(name: str) -> None:
    provider = catalog.load(name)
    assert NAME.fullmatch(name)
    assert provider.title
    assert provider.about[:1].isupper()
    assert not provider.about.endswith(".")
    if provider.category == "static":
        return
    assert provider.docs.startswith("https://")
    assert all(re.match(r"https://|github:[\w.-]+/[\w.-]+:", one) for one in provider.sources)
    assert provider.answer.accepts
    assert provider.answer.retries.endswith(".")
    assert all(note.endswith((".", ")")) for note in provider.notes)


@pytest.mark.parametrize("name", catalog.names())
def test_setup_says_where_url_and_secret_go(name: str) -> None:
    provider = catalog.load(name)
    steps = " ".join(provider.setup.steps)
    scheme = provider.main.scheme
    assert "{url}" in steps or name == "inngest"
    fetched = scheme is not None and not scheme.needs_secret
    assert "{secret}" in steps or fetched or provider.handshakes or name in NEEDS_NO_SECRET


@pytest.mark.parametrize("name", catalog.names())
def test_an_unconfirmed_file_says_what_is_not_confirmed(name: str) -> None:
    provider = catalog.load(name)
    if provider.confidence == "unconfirmed":
        assert any(UNSURE.search(note) for note in provider.notes)


@pytest.mark.parametrize("name", scheme_names())
def test_what_a_scheme_signs_it_verifies(name: str) -> None:
    verdict = kit(name).verifier().verify(kit(name).signed(), NOW)
    assert verdict.valid, f"{verdict.code}: {verdict.detail}"


@pytest.mark.parametrize("name", scheme_names())
def test_another_secret_does_not_verify(name: str) -> None:
    if kit(name).scheme.family is not Family.NONE:
        assert not kit(name, OTHER_KEY).verifier().verify(kit(name).signed(), NOW).valid


def test_a_scheme_is_found_by_the_name_of_its_provider_and_variant() -> None:
    assert catalog.provider_of("github/sha1").name == "github"
    assert catalog.scheme("github/sha1").algorithm == "hmac-sha1"
    with pytest.raises(NotFound):
        catalog.provider_of("github/sha2")


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound, match="no scheme `strip`") as caught:
        catalog.load("strip")
    assert caught.value.hint == "did you mean `stripe`?"


def test_a_broken_file_is_reported_with_every_problem() -> None:
    with pytest.raises(ConfigError) as caught:
        catalog.read('titel = "X"\n[scheme]\nalgorithm = "hmac-sha257"\n', "x.toml", "x")
    codes = {problem.code for problem in caught.value.problems}
    assert {"unknown-key", "unknown-value", "missing-key"} <= codes
