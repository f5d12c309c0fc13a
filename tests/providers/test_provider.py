"""A provider is read whole, and completes the schemes it asks the source for."""

import pytest

from hookagent.errors import ConfigError, Problem
from hookagent.located import Table, parse
from hookagent.providers import catalog

HEAD = 'title = "T"\nabout = "a"\ncategory = "code"\nconfidence = "source"\ndocs = "https://d"\nsources = ["https://s"]\n'
SCHEME = '[scheme]\nalgorithm = "hmac-sha256"\nheader = "X"\n'


def problems_of(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        catalog.read(text, "catalog/t.toml", "t")
    return [problem.code for problem in caught.value.problems]


def test_a_small_file_is_a_whole_provider() -> None:
    provider = catalog.read(
        HEAD + 'id = "id"\ntype = ["@headers.x-event", "action"]\n' + SCHEME, "t.toml", "t"
    )
    assert provider.scheme.name == "t"
    assert [str(reference) for reference in provider.type] == ["@headers.x-event", "action"]
    assert provider.answer.status == 200
    assert provider.handshakes == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (SCHEME, "missing-key"),
        (HEAD, "missing-key"),
        (HEAD + 'tilte = "x"\n' + SCHEME, "unknown-key"),
        (HEAD + SCHEME + '[handshake]\nkind = "chalenge"\n', "unknown-value"),
        (HEAD + SCHEME + '[handshake]\nfield = "x"\n', "missing-key"),
        (HEAD + SCHEME + '[handshake]\nkind = "head"\nfield = "x"\n', "unknown-key"),
        (HEAD + SCHEME + '[handshake]\nkind = "challenge-header"\n', "missing-key"),
        (HEAD + SCHEME + '[handshake]\nkind = "ping"\nwhen = { a = [] }\n', "wrong-type"),
        (HEAD + SCHEME + "[answer]\nstatus = 500\n", "out-of-range"),
        (HEAD + 'id = "a..b"\n' + SCHEME, "wrong-path"),
        (HEAD + SCHEME + 'signed = "{body}{config:url}"\n', "missing-key"),
        (HEAD.replace('"code"', '"cod"') + SCHEME, "unknown-value"),
    ],
)
def test_what_is_wrong_in_a_file_is_reported(text: str, code: str) -> None:
    assert code in problems_of(text)


def test_variants_inherit_id_and_type_unless_they_say_otherwise() -> None:
    github = catalog.load("github")
    assert github.variants["github/sha1"].id == github.id
    assert github.variants["github/public-key"].id == ()
    assert github.variants["github/sha1"].legacy
    assert next(iter(github.variants)) == "github"


def test_a_scheme_that_asks_is_completed_by_the_source() -> None:
    token = catalog.load("token")
    assert token.main.scheme is None
    scheme = token.scheme_with({"header": "X-Secret-Token"})
    assert scheme.place.names == ("X-Secret-Token",)
    with pytest.raises(ConfigError, match="is missing"):
        _ = token.scheme


def test_a_key_nobody_asks_for_is_refused() -> None:
    with pytest.raises(ConfigError, match="takes no `heder`"):
        catalog.load("token").scheme_with({"heder": "X"})
    with pytest.raises(ConfigError, match="takes no `header`"):
        catalog.load("stripe").scheme_with({"header": "X"})


def test_a_completed_scheme_reports_through_the_source_table() -> None:
    problems: list[Problem] = []
    document = parse('scheme = "hmac"\nheader = "X"\nencoding = "octal"\n', "hookagent.toml")
    table = Table.root(document, problems)
    found = catalog.load("hmac").read_completed(table, {"header": "X", "encoding": "octal"})
    assert found is None
    assert [(problem.file, problem.line) for problem in problems] == [("hookagent.toml", 3)]


def test_a_fixed_answer_is_part_of_the_usual_answer() -> None:
    text = HEAD + SCHEME + '[handshake]\nkind = "fixed-answer"\nbody = "Hello"\n'
    provider = catalog.read(text, "t.toml", "t")
    assert (provider.answer.body, provider.answer.content_type) == ("Hello", "text/plain")
