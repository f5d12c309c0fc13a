"""The catalogue through the commands: what `sign` makes, `verify` accepts, for every scheme."""

import json
import re

import pytest

from hookagent.cli.scaffold import variable_of
from hookagent.config.load import load
from hookagent.errors import Severity
from hookagent.providers import catalog, sample
from hookagent.providers.shape import Family
from tests.providers.kit import ASKED, kit, scheme_names

URL = "https://hooks.example.test/hooks/in"
BODY = '{"id":"evt_1","type":"thing.done","clientState":"x","value":[{"a":1}]}'
FORM = "From=%2B14158675309&Body=zw%C3%B6lf+%26+mehr"


def parameters(name):
    """Return the options that say which scheme, its settings, and where requests go."""
    found = kit(name)
    variant = catalog.provider_of(name).variants[name]
    asked = {} if variant.scheme else ASKED.get(name, {"header": "X-Proof"})
    given = {**asked, **found.settings}
    settings = [part for key, value in given.items() for part in ("--setting", f"{key}={value}")]
    return ["--scheme", name, *settings, "--url", URL]


def signed(run, folder, name, *payload):
    secret = [] if kit(name).scheme.family is Family.NONE else ["--secret", kit(name).signing]
    code, out, err = run("sign", *parameters(name), *secret, *payload, "--format", "json")
    assert code == 0, err
    (folder / "request.json").write_text(out)
    return json.loads(out)


def verified(run, name):
    scheme = kit(name).scheme
    option = "--secret" if scheme.key_family is None else "--public-key"
    key = [] if scheme.family is Family.NONE else [option, kit(name).verifying]
    code, out, err = run("verify", "request.json", *parameters(name), *key, "--json")
    assert err == ""
    return code, json.loads(out)


def body_of(name):
    variant = catalog.provider_of(name).variants[name]
    if name == "adyen":
        return '{"notificationItems":[{"NotificationRequestItem":{"pspReference":"1"}}]}'
    return FORM if "form" in variant.body else BODY


@pytest.mark.parametrize("name", scheme_names())
def test_what_sign_makes_verify_accepts(run, folder, name):
    signed(run, folder, name, "--data", body_of(name))

    code, said = verified(run, name)

    assert (code, said["valid"], said["scheme"]) == (0, True, kit(name).scheme.name), said


@pytest.mark.parametrize("name", sample.providers())
def test_every_built_in_payload_signs_and_verifies(run, folder, name):
    for event in sample.event_types(name):
        signed(run, folder, name, "--event", event)

        code, said = verified(run, name)

        assert (code, said["valid"]) == (0, True), (event, said)


@pytest.mark.parametrize("name", scheme_names())
def test_the_block_that_is_shown_is_a_source_that_loads(run, folder, name):
    block = json.loads(run("schemes", name, "--json")[1])["toml"]
    own = name.replace("/", "-")
    (folder / "hookagent.toml").write_text(block)
    (folder / f"{own}.pem").write_text(kit(name).verifying)
    (folder / f"{own}.pem").chmod(0o600)

    variables = dict.fromkeys(re.findall(r"\$\{(\w+)\}", block), "given")
    variables[variable_of(own)] = kit(name).verifying
    config = load(None, environ=variables, cwd=folder)

    assert [one.code for one in config.warnings if one.severity is Severity.ERROR] == []
    assert config.sources[own].scheme.name == name
