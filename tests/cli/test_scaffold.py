"""What is written for people to keep: always valid, always running."""

import tomllib

import pytest

from hookagent.cli import scaffold
from hookagent.providers import catalog
from hookagent.rules.parse import read_rules


@pytest.mark.parametrize("name", catalog.names())
def test_every_scheme_of_the_catalogue_has_a_block_that_is_toml(name):
    provider = catalog.load(name)
    for scheme in provider.variants:
        block = scaffold.source_block(provider, scheme, name="my source")

        source = tomllib.loads(block)["sources"]["my source"]
        assert source["scheme"] == scheme
        assert source["path"] == "/hooks/my source"


def test_a_block_explains_what_it_needs():
    block = scaffold.source_block(catalog.load("token"), "token", name="a")

    assert 'header = "X-Webhook-Token"  # The header the token comes in' in block
    assert 'secret = "${A_SECRET}"  # from the environment or .env' in block


def test_nothing_breaks_out_of_its_string():
    hostile = 'a"\n[x]\nb = "'

    assert tomllib.loads(scaffold.line("key", hostile)) == {"key": hostile}
    assert tomllib.loads(scaffold.table_name("sources", hostile)) == {"sources": {hostile: {}}}


def test_the_first_rule_is_a_rule_with_a_test():
    rules = read_rules([("rules/a-b.toml", scaffold.first_rule("a-b"))])

    (rule,) = rules.rules
    assert rule.name == "say-a-b"
    assert len(rule.tests) == 1


def test_setup_steps_name_the_sources_own_address_and_secret():
    steps = scaffold.setup_steps(catalog.load("github"), url="https://x/y", secret="${S}")

    assert any("https://x/y" in step for step in steps)
    assert any("${S}" in step for step in steps)
    assert not any("{url}" in step or "{secret}" in step for step in steps)
