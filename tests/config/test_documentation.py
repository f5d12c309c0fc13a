"""docs/configuration.md says what the code does."""

import re
from pathlib import Path

import pytest

from hookagent.config.layers import SETTINGS
from hookagent.located import parse_duration, parse_size

DOCUMENT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")


def rows(heading: str) -> dict[str, str]:
    """Return key and default of the first table under a heading."""
    section = DOCUMENT.partition(heading)[2].partition("\n#")[0]
    found = re.findall(r"^\| `(\w+)` \|([^|]*)\|", section, re.MULTILINE)
    return {key: default.strip() for key, default in found}


@pytest.mark.parametrize("section", SETTINGS)
def test_every_setting_is_in_its_table_and_no_other(section):
    assert sorted(rows(f"### `[{section}]`")) == sorted(SETTINGS[section])


@pytest.mark.parametrize(
    ("section", "key", "attribute"),
    [
        ("server", "port", "port"),
        ("server", "max_body", "max_body"),
        ("server", "max_connections", "max_connections"),
        ("server", "max_bodies", "max_bodies"),
        ("server", "read_timeout", "read_timeout_ms"),
        ("server", "keepalive", "keepalive_ms"),
        ("server", "queue", "queue"),
        ("server", "failures_per_minute", "failures_per_minute"),
        ("inspector", "port", "port"),
        ("store", "retention", "retention_ms"),
        ("store", "statistics", "statistics_ms"),
        ("store", "max_rejected", "max_rejected"),
        ("log", "max_size", "max_bytes"),
        ("log", "kept", "kept"),
        ("worker", "concurrency", "concurrency"),
        ("worker", "lease", "lease_ms"),
        ("worker", "grace", "grace_ms"),
        ("tunnel", "start_timeout", "start_timeout_ms"),
    ],
)
def test_every_default_is_the_documented_one(project, section, key, attribute):
    written = rows(f"### `[{section}]`")[key].strip('`"')

    value = getattr(getattr(project.load(), section), attribute)

    assert value in {parse_duration(written), parse_size(written)}


def test_every_key_of_a_source_is_documented(project):
    keys = rows("## Sources\n")

    (problem,) = [
        one for one in project.problems("[sources.a]\nzzz = 1\n") if one.code == "unknown-key"
    ]
    assert problem.message == "unknown key `zzz`"
    lines = "\n".join(f"{key} = 1" for key in keys)
    found = project.problems(f"[sources.a]\n{lines}\n")
    assert not [one for one in found if one.code == "unknown-key"]


def test_every_example_loads(project):
    blocks = re.findall(r"^```toml\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)

    own = [block for block in blocks if block.startswith("# schemes/")]
    assert own
    for block in own:
        project.write(block, block.partition("\n")[0].removeprefix("# "))
    for block in set(blocks) - set(own):
        assert project.says(block) == []


def test_the_documented_scheme_of_ones_own_can_be_used(project):
    text = DOCUMENT.partition("# schemes/acme.toml\n")[2].partition("```")[0]
    project.write(text, "schemes/acme.toml")

    config = project.load(
        'schemes_dir = "schemes"\n[sources.a]\npath = "/a"\nscheme = "acme"\nsecret = "auto"\n'
    )

    assert config.sources["a"].scheme.place.names == ("X-Acme-Signature",)
    assert [str(one) for one in config.sources["a"].type] == ["kind"]
