"""What the shell offers while an option is typed."""

from hookagent.cli.options import complete_scheme, complete_source


def test_sources_of_the_configuration_are_offered(configured):
    assert complete_source("") == ["shop"]
    assert complete_source("x") == []


def test_nothing_is_offered_where_there_is_nothing_to_read(folder):
    assert complete_source("") == []


def test_schemes_of_the_catalogue_are_offered():
    assert "github" in complete_scheme("gi")
    assert "stripe" not in complete_scheme("gi")
