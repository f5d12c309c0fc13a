"""A scheme is read from TOML with every problem in its place."""

import pytest

from hookagent.errors import Problem
from hookagent.located import Table, parse
from hookagent.providers.scheme import Scheme, read_scheme
from hookagent.providers.shape import Family
from hookagent.verdict import Integrity


def read(text: str) -> tuple[Scheme | None, list[Problem]]:
    problems: list[Problem] = []
    return read_scheme(Table.root(parse(text, "hookagent.toml"), problems), "mine"), problems


def scheme(text: str) -> Scheme:
    found, problems = read(text)
    assert not problems, problems
    assert found is not None
    return found


def codes(text: str) -> list[str]:
    found, problems = read(text)
    assert found is None
    return [problem.code for problem in problems]


def test_the_inline_scheme_of_the_inventory_agent() -> None:
    found = scheme(
        'algorithm = "hmac-sha256"\nheader = "X-Ims-Signature"\nprefix = "sha256="\n'
        'encoding = "hex"\nsigned = "{body}"'
    )
    assert found.family is Family.HMAC
    assert found.hash == "sha256"
    assert found.place.names == ("X-Ims-Signature",)
    assert found.integrity is Integrity.BODY
    assert found.needs_secret


def test_the_body_is_signed_unless_something_else_is_said() -> None:
    assert scheme('algorithm = "hmac-sha1"\nheader = "X"').signed.is_body


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "missing-key"),
        ('algorithm = "hmac-sha257"\nheader = "X"', "unknown-value"),
        ('algorithm = "hmac-sha256"', "missing-key"),
        ('algorithm = "hmac-sha256"\nheader = ""', "blank"),
        ('algorithm = "hmac-sha256"\nheader = []', "blank"),
        ('algorithm = "hmac-sha256"\nheader = "X"\nquery = "x"', "two-places"),
        ('algorithm = "hmac-sha256"\nheadr = "X"\nheader = "X"', "unknown-key"),
        ('algorithm = "hmac-sha256"\nheader = "X"\nsigned = "{bod}"', "wrong-template"),
        ('algorithm = "hmac-sha256"\nheader = "X"\nsigned = ""', "blank"),
        ('algorithm = "hmac-sha256"\nheader = "X"\nsigned = "{secret}{body}"', "secret-signed"),
        ('algorithm = "sha256"\nheader = "X"', "no-secret-signed"),
        ('algorithm = "hmac-sha256"\nheader = "X"\nsigned = "{id}{body}"', "missing-key"),
        ('algorithm = "hmac-sha256"\nheader = "X"\nsigned = "{timestamp}{body}"', "missing-key"),
        ('algorithm = "hmac-sha256"\nheader = "X"\nframing = "pairs"', "missing-key"),
        ('algorithm = "hmac-sha256"\nheader = "X"\nseparator = ""', "blank"),
        ('algorithm = "hmac-sha256"\nheader = "X"\ntimestamp = { tag = "t" }', "wrong-key"),
        ('algorithm = "hmac-sha256"\nheader = "X"\ntimestamp = {}', "missing-key"),
        ('algorithm = "hmac-sha256"\nheader = "X"\neach = "a"', "wrong-key"),
        ('algorithm = "hmac-sha256"\njson = "a..b"', "wrong-path"),
        ('algorithm = "jwt"\nheader = "X"', "missing-key"),
        ('algorithm = "jwt"\nheader = "X"\njwt = { algorithms = ["none"] }', "unknown-value"),
        ('algorithm = "rfc9421"', "missing-key"),
        ('algorithm = "rfc9421"\nmessage = {}', "missing-key"),
        ('algorithm = "rsa-sha256"\nheader = "X"\nkeys = { url = "https://a" }', "missing-key"),
        ('algorithm = "rsa-sha256"\nheader = "X"\nkeys = { hosts = ["a"] }', "missing-key"),
        ('algorithm = "token"\nheader = 3', "wrong-type"),
    ],
)
def test_what_does_not_fit_is_a_problem(text: str, code: str) -> None:
    assert code in codes(text)


def test_every_problem_is_reported_at_once_with_its_line() -> None:
    _, problems = read('algorithm = "hmac-sha25"\nheader = "X"\nencoding = "hx"\nprefx = "a"')
    assert [(problem.line, problem.code) for problem in problems] == [
        (1, "unknown-value"),
        (3, "unknown-value"),
        (4, "unknown-key"),
    ]
    assert problems[0].hint == "did you mean `hmac-sha256`?"


def test_an_incomplete_scheme_is_no_problem_when_the_source_is_asked() -> None:
    problems: list[Problem] = []
    table = Table.root(parse('algorithm = "token"', "token.toml"), problems)
    assert read_scheme(table, "token", asks={"header"}) is None
    assert not problems


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ('algorithm = "token"\nheader = "X"', Integrity.TOKEN),
        ('algorithm = "basic"', Integrity.TOKEN),
        ('algorithm = "none"', Integrity.NONE),
        ('algorithm = "hmac-sha256"\njson = "s"\nsigned = "{json:t}"', Integrity.ORIGIN),
        (
            'algorithm = "hmac-sha256"\nheader = "X"\nsigned = "{header:A}{body_crc32}"',
            Integrity.ORIGIN,
        ),
        (
            'algorithm = "hmac-sha256"\nheader = "X"\nsigned = "{header:D}"\ndigest = { header = "D" }',
            Integrity.BODY,
        ),
        (
            'algorithm = "hmac-sha256"\nheader = "X"\nsigned = "{header:A}"\ndigest = { header = "D" }',
            Integrity.ORIGIN,
        ),
        (
            'algorithm = "hmac-sha256"\nheader = "X"\nsigned = "{url}"\ndigest = { query = "h" }',
            Integrity.BODY,
        ),
        ('algorithm = "jwt"\nheader = "X"\njwt = { algorithms = ["HS256"] }', Integrity.ORIGIN),
        (
            'algorithm = "jwt"\nheader = "X"\njwt = { algorithms = ["HS256"], body_claim = "h" }',
            Integrity.BODY,
        ),
        ('algorithm = "rfc9421"\nmessage = { algorithm = "ed25519" }', Integrity.BODY),
        ('strategy = "adyen"', Integrity.ORIGIN),
        ('strategy = "twilio"', Integrity.BODY),
        ('algorithm = "hmac-sha256"\nheader = "X"\nintegrity = "origin-only"', Integrity.ORIGIN),
    ],
)
def test_integrity_follows_from_what_is_signed(text: str, level: Integrity) -> None:
    assert scheme(text).integrity is level


def test_the_settings_a_scheme_uses_are_named_once() -> None:
    found = scheme(
        'algorithm = "jwt"\nheader = "X"\n'
        'jwt = { algorithms = ["RS256"], audience = "{config:audience}", '
        'require = { email = "{config:email}", other = "{config:audience}" } }\n'
        'keys = { url = "https://a.example/{config:tenant}", hosts = ["a.example"] }'
    )
    assert found.settings == ("audience", "email", "tenant")
    assert not found.needs_secret
