"""Addresses of keys that are known before a delivery comes."""

import msgspec

from hookagent.providers import catalog
from hookagent.providers.keyaddress import addresses, hosts
from hookagent.providers.shape import KeyRule

STRIPE = catalog.scheme("stripe")


def of(*urls: str, settings: dict[str, str] | None = None) -> tuple[tuple[str, str], ...]:
    rule = KeyRule(urls=urls, hosts=("keys.example.test",), kind="jwks")
    return addresses(msgspec.structs.replace(STRIPE, keys=rule), settings or {})


def test_fixed_addresses_and_those_of_settings_are_known() -> None:
    assert of("https://keys.example.test/a") == (("https://keys.example.test/a", "jwks"),)
    named = of("https://keys.example.test/{config:tenant}", settings={"tenant": "t1"})
    assert named == (("https://keys.example.test/t1", "jwks"),)


def test_an_address_that_a_request_names_or_that_is_not_pinned_is_not_known() -> None:
    assert of("https://keys.example.test{header:X-Path}", "https://keys.example.test/{kid}") == ()
    assert of("https://{config:host}/a", settings={"host": "evil.example"}) == ()
    assert addresses(STRIPE, {}) == ()


def test_the_only_hosts_a_scheme_may_name_are_known() -> None:
    assert hosts(STRIPE) == ()
    assert "sns.*.amazonaws.com" in hosts(catalog.scheme("aws-sns"))
    assert hosts(catalog.scheme("google-pubsub")) == ("www.googleapis.com",)
