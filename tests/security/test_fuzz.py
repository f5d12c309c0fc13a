"""Everything that reads what others wrote is total: a value or our own error, never anything else.

With `--long` each runs for a minute.
"""

import os
import random
import re
import time
from functools import cache
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookagent.actions.base import Own
from hookagent.actions.egress import Permit, is_public, read_address, refusal
from hookagent.actions.registry import bind
from hookagent.config.load import load
from hookagent.environment import Environment
from hookagent.errors import HookagentError
from hookagent.event import Event, Headers, RawRequest
from hookagent.payload import Parsed, Unparsed, read
from hookagent.providers.verify import Verifier
from hookagent.rules.evaluate import select
from hookagent.rules.index.matcher import Matcher
from hookagent.rules.parse import read_rules
from hookagent.template import Scope, Template, TemplateError
from hookagent.template.sinks import Sink
from hookagent.verdict import Code, Verdict
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


@cache
def genuine(name: str) -> RawRequest:
    """Return a request that a scheme takes; signing it costs far more than what is tried here."""
    return kit(name).signed()


@cache
def verifier(name: str) -> Verifier:
    return kit(name).verifier()


def headers_of(name: str, values: list[bytes]) -> Headers:
    """Return the headers a scheme reads, each with another hostile value."""
    fields = [field for field, _ in genuine(name).headers.items()]
    pairs = [(field.encode(), values[n % len(values)]) for n, field in enumerate(fields)]
    return Headers(tuple(pairs))


def verify(name: str, values: list[bytes], body: bytes, now: int) -> None:
    request = RawRequest(method="POST", target="/x", headers=headers_of(name, values), body=body)
    found = verifier(name).verify(request, now)
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give one folder for all examples, above no other test's."""
    return tmp_path_factory.mktemp("fuzz")


@given(st.lists(st.sampled_from(TOML_PIECES), max_size=30).map("".join))
@settings(max_examples=100)
def test_configurations_are_total(folder, text):
    toml(folder, text)


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
        match chance.randrange(4):
            case 0:
                changed[at:at] = chance.randbytes(chance.randrange(1, 4))
            case 1:
                del changed[at : at + chance.randrange(1, 9)]
            case 2:
                changed[at:at] = chance.choice(TOML_PIECES).encode("utf-8", "surrogatepass")
            case _:
                changed[at:at] = changed[at : at + chance.randrange(1, 40)]
    return bytes(changed)


def text_of(chance: random.Random, seeds: tuple[str, ...]) -> str:
    """Return a seed with a few changes, or pieces of the language at random."""
    if chance.randrange(4) == 0:
        return "".join(chance.choices(TOML_PIECES, k=chance.randrange(40)))
    seed = chance.choice(seeds).encode()
    at = chance.randrange(max(len(seed) - 1_500, 1))
    return mutated(chance, seed[at : at + 1_500]).decode("utf-8", "replace")


ROOT = Path(__file__).parents[2]
RULE_FILES = tuple(
    [file.read_text("utf-8") for file in sorted((ROOT / "rules").glob("*.toml"))]
    + re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "rules.md").read_text("utf-8"), re.DOTALL)
    + re.findall(
        r"```toml\n(.*?)```", (ROOT / "docs" / "cookbook.md").read_text("utf-8"), re.DOTALL
    )
)
CONFIGS = ((ROOT / "hookagent.toml").read_text("utf-8"), *RULE_FILES[:2])
TEMPLATES = (
    '{{ a.b[0].c | default("x") | upper }}', "{{ @headers.x-y }} {{ a | truncate(5) }}",
    "{{ n | number(2) }}{{ d | date('%Y') }}{{ a | json }}", "{{ steps.one.output.x | urlencode }}",
    "{{ ['a.b'] | trim | lower }}",
)  # fmt: skip
HOSTILE = {
    "a": {"b": [{"c": "\x00\r\n\x1b[2J; rm -rf / {{ a }} ${HOME} ../.. \ud800"}]}, "n": 10**30,
    "d": "9999-99-99", "a.b": "x" * 70_000, "l": [[[]]], "t": True, "f": float("1e308"),
}  # fmt: skip
ADDRESSES = (
    b"https://a.example:8/b?c={{ d }}", b"http://127.0.0.1/", b"http://[::ffff:127.0.0.1]:80/x",
    b"https://user:pass@h/", b"http://0x7f.1", b"http://2130706433/", b"http://[fe80::1%25eth0]/",
)  # fmt: skip


def verify_nearly(chance: random.Random) -> None:
    """Verify a genuine request of any scheme with its headers or its body changed."""
    name = chance.choice(SCHEMES)
    request = genuine(name)
    headers = tuple(
        (name, mutated(chance, value) if chance.randrange(2) else value)
        for name, value in request.headers.pairs
    )
    body = mutated(chance, request.body) if chance.randrange(2) else request.body
    changed = msgspec.structs.replace(request, headers=Headers(headers), body=body)
    found = verifier(name).verify(changed, NOW + chance.randrange(-(10**9), 10**9))
    assert isinstance(found, Verdict)


def render_all(text: str, event: Event) -> None:
    try:
        made = Template.parse(text)
    except (TemplateError, ValueError):
        return
    for sink in Sink:
        try:
            assert len(made.render(Scope(event=event, steps={}, facts={}), sink)) <= 64 * 1024
        except TemplateError as error:
            assert str(error)  # noqa: PT017 - either is fine


def match_all(text: str, event: Event) -> None:
    """Read rules; those that can be read match alike by the index and one by one."""
    try:
        ruleset = read_rules([("r.toml", text)])
    except HookagentError as error:
        assert error.message  # noqa: PT017 - either is fine
        return
    assert Matcher(ruleset).match(event) == select(ruleset, event)


def guard(text: str) -> None:
    url(text)
    host = text.partition("//")[2].partition("/")[0]
    for shown in (text, host, host.rpartition(":")[0], host.strip("[]")):
        found = refusal(shown, 80, Permit("a.example"), Own())
        address = read_address(shown)
        assert found or (address is not None and is_public(address))


@pytest.mark.long
@pytest.mark.parametrize(
    "what", ["verify", "verify, nearly genuine", "json", "toml", "template", "rules", "url guard"]
)
def test_a_minute_of_each_finds_nothing(tmp_path, what):
    chance = random.Random(int(os.environ.get("HOOKAGENT_FUZZ_SEED", "1")))
    event = Event(
        id="evt_1", source="shop", type="order.x", key=b"k", payload=HOSTILE,
        request=RawRequest(headers=Headers.of({"X-Y": "\x1b]0;x"}), received_at=NOW),
        verdict=Verdict(valid=True, scheme="none", code=Code.UNCHECKED),
    )  # fmt: skip
    tried = {
        "verify": lambda: verify(
            chance.choice(SCHEMES),
            [mutated(chance, b"t=1,v1=sha256=YWJj") for _ in range(3)],
            mutated(chance, sample(kit("github").scheme).body),
            NOW + chance.randrange(-(10**9), 10**9),
        ),
        "verify, nearly genuine": lambda: verify_nearly(chance),
        "json": lambda: read(mutated(chance, b'{"a":[1,-2.5e3,"x\\u00e9",null,true],"b":{}}')),
        "toml": lambda: toml(tmp_path, text_of(chance, CONFIGS)),
        "template": lambda: render_all(text_of(chance, TEMPLATES), event),
        "rules": lambda: match_all(text_of(chance, RULE_FILES), event),
        "url guard": lambda: guard(mutated(chance, chance.choice(ADDRESSES)).decode("latin-1")),
    }[what]
    end, count = time.monotonic() + MINUTE_S, 0
    while time.monotonic() < end:
        tried()
        count += 1
    print(f"{what}: {count} inputs")
    assert count > 1_000
