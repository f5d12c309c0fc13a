"""Everything that reads what others wrote is total: a value or our own error, never anything else.

With `--long` each runs for a minute.
"""

import os
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookagent.actions.base import Own
from hookagent.actions.egress import Permit, refusal
from hookagent.actions.registry import bind
from hookagent.config.load import load
from hookagent.environment import Environment
from hookagent.errors import HookagentError
from hookagent.event import Headers, RawRequest
from hookagent.payload import Parsed, Unparsed, read
from hookagent.rules.parse import read_rules
from hookagent.template import Template, TemplateError
from hookagent.verdict import Verdict
from tests.providers.kit import NOW, kit, sample, scheme_names

SCHEMES = scheme_names()
MINUTE_S = 60.0
TOML_PIECES = (
    "[sources.a]\n", "[server]\n", "[[rule.a.do]]\n", "[rule.a]\n", "[rule.a.when]\n", "path = ",
    "scheme = ", "secret = ", '"github"', '"/a"', '"auto"', "on = ", "when = ", "{ gte = ", "1",
    "}", "[", "]", '"x"', "\n", " = ", ".", "'", '"', "#", "\\u0000", "1e999", "true", "-",
    "1979-05-27", "regex", "any", "expr", "action = ", "window = { count = ", 'within = "1m"', ",",
    "{{ ", " }}", "${X}", "\x00", "\ud7ff", "é", "nan", "inf", "0x", '"""', "command = ", "sequence",
)  # fmt: skip

header_values = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"", b"sha256=", b"v1,", b"t=1,v1=", b"=" * 99, b"\xff\xfe", b"a.b.c", b","]),
)


def headers_of(name: str, values: list[bytes]) -> Headers:
    """Return the headers a scheme reads, each with another hostile value."""
    fields = [field for field, _ in kit(name).signed().headers.items()]
    pairs = [(field.encode(), values[n % len(values)]) for n, field in enumerate(fields)]
    return Headers(tuple(pairs))


def verify(name: str, values: list[bytes], body: bytes, now: int) -> None:
    request = RawRequest(method="POST", target="/x", headers=headers_of(name, values), body=body)
    found = kit(name).verifier().verify(request, now)
    assert isinstance(found, Verdict)
    assert not found.valid or kit(name).scheme.family == "none"


def template(text: str) -> None:
    try:
        Template.parse(text)
    except (TemplateError, ValueError) as error:
        assert str(error)  # noqa: PT017 - either is fine


def toml(folder, text: str) -> None:
    file = folder / "hookagent.toml"
    file.write_text(text, "utf-8")
    try:
        load(file, environ={}, cwd=folder)
    except HookagentError as error:
        assert error.message  # noqa: PT017 - either is fine


def rules(text: str) -> None:
    try:
        read_rules([("r.toml", text)])
    except HookagentError as error:
        assert error.message  # noqa: PT017 - either is fine


def url(text: str) -> None:
    try:
        bind("http", {"url": text}, Environment({}))
    except HookagentError as error:
        assert error.message  # noqa: PT017 - either is fine


@given(
    st.sampled_from(SCHEMES),
    st.lists(header_values, min_size=1, max_size=4),
    st.binary(max_size=80),
    st.integers(0, 2**53),
)
@settings(max_examples=400)
def test_verification_is_total(name, values, body, now):
    verify(name, values, body, now)


@given(st.binary(max_size=200), st.sampled_from(["", "application/json", "x;", "a/b; c=\x00"]))
def test_bodies_are_total(body, content_type):
    assert isinstance(read(body, content_type), Parsed | Unparsed)


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(TOML_PIECES)).map("".join)))
def test_templates_are_total(text):
    template(text)


@given(st.lists(st.sampled_from(TOML_PIECES), max_size=30).map("".join))
@settings(max_examples=100)
def test_configurations_are_total(tmp_path_factory, text):
    toml(tmp_path_factory.getbasetemp(), text)


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(TOML_PIECES)).map("".join)))
def test_rules_are_total(text):
    rules(text)


@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(["http://", "https:", "//", "[", "]", "@", "{{ a }}", "127.0.0.1", "%", ":"])
        ).map("".join),
    )
)  # fmt: skip
def test_addresses_are_total(text):
    url(text)
    assert isinstance(refusal(text, 80, Permit("a.example"), Own()), str | None)


def mutated(chance: random.Random, data: bytes) -> bytes:
    """Return the bytes with a few of them changed, dropped or doubled."""
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(3):
            case 0:
                changed[at:at] = chance.randbytes(chance.randrange(1, 4))
            case 1:
                del changed[at : at + chance.randrange(1, 9)]
            case _:
                changed[at:at] = changed[at : at + chance.randrange(1, 40)]
    return bytes(changed)


def pieces(chance: random.Random) -> str:
    return "".join(chance.choices(TOML_PIECES, k=chance.randrange(40)))


@pytest.mark.long
@pytest.mark.parametrize("what", ["verify", "json", "toml", "template", "rules", "url"])
def test_a_minute_of_each_finds_nothing(tmp_path, what):
    chance = random.Random(int(os.environ.get("HOOKAGENT_FUZZ_SEED", "1")))
    tried = {
        "verify": lambda: verify(
            chance.choice(SCHEMES),
            [mutated(chance, b"t=1,v1=sha256=YWJj") for _ in range(3)],
            mutated(chance, sample(kit("github").scheme).body),
            NOW + chance.randrange(-(10**9), 10**9),
        ),
        "json": lambda: read(mutated(chance, b'{"a":[1,-2.5e3,"x\\u00e9",null,true],"b":{}}')),
        "toml": lambda: toml(tmp_path, pieces(chance)),
        "template": lambda: template(pieces(chance)),
        "rules": lambda: rules(pieces(chance)),
        "url": lambda: url(mutated(chance, b"https://a.example:8/b?c={{ d }}").decode("latin-1")),
    }[what]
    end, count = time.monotonic() + MINUTE_S, 0
    while time.monotonic() < end:
        tried()
        count += 1
    print(f"{what}: {count} inputs")
    assert count > 1_000
