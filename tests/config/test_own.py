"""A project's own schemes: read as the catalogue's are, under names of their own."""

import pytest

from hookagent.config.own import FILE_BYTES_MAX, catalog_of
from hookagent.errors import ConfigError, NotFound
from hookagent.providers import catalog

from .conftest import source

FIVE_LINES = """
[scheme]
algorithm = "hmac-sha256"
header = "X-Acme-Signature"
prefix = "sha256="
"""
WHOLE = """
title = "Acme"
id = "id"
id_signed = true
type = "kind"
body = "form"
[scheme]
algorithm = "hmac-sha256"
header = "X-Acme-Signature"
[schemes.old]
algorithm = "hmac-sha1"
header = "X-Acme"
[handshake]
kind = "challenge-query"
parameter = "echo"
[settings]
verify_token = "The value Acme shows"
"""
CONFIG = 'schemes_dir = "schemes"\n'


def test_a_provider_nobody_knows_takes_five_lines(project):
    project.write(FIVE_LINES, "schemes/acme.toml")

    found = project.load(CONFIG + source('scheme = "acme"')).sources["a"]

    assert (found.provider, found.scheme.name) == ("acme", "acme")
    assert found.scheme.place.names == ("X-Acme-Signature",)


def test_all_of_a_catalogue_file_counts(project):
    project.write(WHOLE, "schemes/acme.toml")
    text = source('scheme = "acme"') + "\n"
    old = source('scheme = "acme/old"', 'verify_token = "t"', name="b", path="/b")

    config = project.load(CONFIG + text + old)

    found = config.sources["a"]
    assert [str(one) for one in (*found.dedup, *found.type)] == ["id", "kind"]
    assert found.body == "form"
    assert [rule.kind for rule in found.handshakes] == ["challenge-query"]
    assert config.sources["b"].scheme.name == "acme/old"
    assert config.sources["b"].settings == {"verify_token": "t"}
    assert config.catalog.names() == tuple(sorted({*catalog.names(), "acme"}))
    assert config.catalog.load("stripe") is catalog.load("stripe")


def test_a_mistake_is_named_with_its_file_and_line(project):
    project.write('[scheme]\nalgorithm = "hmac-sha257"\nhaeder = "X"\n', "schemes/acme.toml")

    found = project.says(CONFIG)

    assert any("schemes/acme.toml:2:13: error: `algorithm` cannot be" in one for one in found)
    assert any("schemes/acme.toml:3:1: error: unknown key `haeder`" in one for one in found)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("stripe.toml", FIVE_LINES.encode(), "scheme `stripe` is in the catalogue already"),
        ("Acme.toml", FIVE_LINES.encode(), "`Acme` cannot be a scheme's name"),
        ("a_b.toml", FIVE_LINES.encode(), "`a_b` cannot be a scheme's name"),
        ("acme.toml", b"\xff", "it is not UTF-8 text"),
        ("acme.toml", b"#" * (FILE_BYTES_MAX + 1), "it is larger than"),
        ("acme.toml", b"[scheme", "error:"),
        ("acme.toml", b"", "`[scheme]` is missing"),
    ],
)
def test_a_file_that_is_no_scheme_is_refused(project, name, data, said):
    folder = project.folder / "schemes"
    folder.mkdir()
    (folder / name).write_bytes(data)

    found = project.says(CONFIG)

    assert len(found) == 1
    assert said in found[0]
    assert name in found[0]


def test_a_folder_that_is_not_there_is_said(project):
    assert project.says(CONFIG) == [
        "hookagent.toml:1:15: error: no folder of schemes at `schemes` [no-such-folder]"
    ]


def test_an_unknown_scheme_is_told_the_nearest_own_one(project):
    project.write(FIVE_LINES, "schemes/acme-billing.toml")

    found = project.says(CONFIG + source('scheme = "acme-biling"'))

    assert "did you mean `acme-billing`?" in found[0]


def test_commands_find_a_projects_schemes_without_judging_the_rest(project):
    project.write(FIVE_LINES, "schemes/acme.toml")
    project.write(CONFIG + '[sources.a]\nscheme = "nope"\n')

    found = catalog_of(None, project.folder)

    assert found.scheme("acme").name == "acme"
    with pytest.raises(NotFound):
        found.provider_of("acme/new")


def test_without_a_readable_configuration_there_are_no_own_schemes(project):
    assert catalog_of(None, project.folder) is catalog.BUILT_IN
    project.write("[[[")
    assert catalog_of(None, project.folder) is catalog.BUILT_IN
    project.write(CONFIG)
    with pytest.raises(ConfigError):
        catalog_of(None, project.folder)
