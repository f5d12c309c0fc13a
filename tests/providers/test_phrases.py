"""A scheme in words: where its signature stands, what it covers, what the secret is."""

import pytest

from hookagent.providers import catalog
from hookagent.providers.phrases import describe_scheme, integrity_of, secret_phrase


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "stripe",
            "`hmac-sha256` in header `Stripe-Signature`, the pairs `v1=…` with `,` between.",
        ),
        ("stripe", "Timestamp: Unix seconds in part `t`, 300 s either way."),
        ("github", "behind `sha256=`. Signs `{body}`, written in hexadecimal."),
        ("cronofy", "a list with `,` between."),
        ("recurly", "a list that begins with the timestamp."),
        ("sendgrid", "its age is not checked."),
        ("messagebird/legacy", "Signs `{timestamp}\\n{query_sorted}\\n{body_sha256}`"),
        ("netlify", "Algorithms HS256; iss `netlify`; `sha256` holds the body's SHA256."),
        ("rfc9421", "Algorithm ed25519; `@method` must be covered."),
        ("box", "Wants `BOX-SIGNATURE-VERSION: 1`"),
        ("paypal", "The public key is fetched from api.paypal.com"),
        ("basic", "`basic` in Authorization."),
        ("twilio", "A shape of its own, `twilio`."),
        ("token", "`token`, completed by the source."),
    ],
)
def test_a_scheme_is_described(name: str, words: str) -> None:
    assert words in describe_scheme(catalog.provider_of(name).variants[name])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stripe", "the text as it is"),
        ("svix", "decoded from base64, without `whsec_`"),
        ("fitbit", "the text as it is, with `&` behind it"),
        ("braintree", "the text as it is, hashed with SHA1"),
        ("easypost", "the text as it is, normalised (NFKD)"),
        ("discord", "the provider's public key, PEM or decoded from hexadecimal"),
        ("ebay", "the provider's public key, PEM"),
        ("rfc9421", "the provider's public key, PEM"),
        ("paypal", "none, the public key is fetched; it can be given to work offline"),
        ("basic", "`user:password`"),
        ("none", "none"),
        ("token", "given by the source"),
    ],
)
def test_a_secret_is_described(name: str, words: str) -> None:
    assert secret_phrase(catalog.provider_of(name).variants[name]) == words


def test_a_scheme_the_source_completes_has_no_level_yet() -> None:
    assert integrity_of(catalog.load("token").main) == "as completed"
    assert integrity_of(catalog.load("gitlab").main) == "token"
