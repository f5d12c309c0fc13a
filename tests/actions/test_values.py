"""Pure: the types of options, read and filled."""

from datetime import date

import pytest

from hookagent.actions.reading import Reader
from hookagent.actions.values import (
    Address,
    Argument,
    Duration,
    FileName,
    HeaderText,
    Json,
    Secret,
    Text,
    Url,
)
from hookagent.environment import Environment
from hookagent.template import TemplateError
from tests.actions.conftest import scope_of


def read(kind, value, **variables):
    reader = Reader(Environment(variables))
    made = kind.read(value, ("it",), reader)
    assert reader.found == []
    return made


def complaint(kind, value, environment=None):
    reader = Reader(Environment({}) if environment is None else environment)
    assert kind.read(value, ("it",), reader) is None
    (found,) = reader.found
    assert found.where[0] == "it"
    return found


@pytest.mark.parametrize("kind", [Text, HeaderText, FileName, Argument, Secret, Url])
def test_text_must_be_text(kind):
    assert complaint(kind, 5).message == "`it` must be a string, not a number"


def test_a_broken_template_is_told_with_its_place():
    found = complaint(Text, "abc {{ x")

    assert found.code == "template"
    assert found.message == "`{{` is not closed with `}}` (character 5 of the text)"


def test_a_missing_variable_names_itself_and_the_remedy():
    found = complaint(Text, "${NOPE}")

    assert found.code == "missing-variable"
    assert found.message == "the variable `NOPE` is not set"
    assert "`.env`" in (found.hint or "")


def test_json_fills_its_texts_and_keeps_types():
    body = read(
        Json, {"n": "{{ n }}", "s": "n={{ n }}", "l": ["{{ o }}", 1, True], "e": "${V}"}, V="v"
    )

    filled = body.fill(scope_of({"n": 5, "o": {"k": [None]}}))

    assert filled == {"n": 5, "s": "n=5", "l": [{"k": [None]}, 1, True], "e": "v"}


def test_every_broken_template_in_json_is_told_with_its_way():
    reader = Reader(Environment({}))

    assert Json.read({"a": ["{{ x", "ok"], "b": {"c": "{{ | }}"}}, ("json",), reader) is None
    assert [found.where for found in reader.found] == [("json", "a", 0), ("json", "b", "c")]


def test_json_has_no_dates():
    assert "dates" in complaint(Json, {"d": date(2026, 1, 1)}).message


def test_json_is_bounded():
    body = read(Json, {"a": ["{{ big }}"] * 3})

    with pytest.raises(TemplateError, match="grew beyond"):
        body.fill(scope_of({"big": ["x" * 500_000]}))


def test_a_secret_shows_itself_to_nobody_and_is_remembered():
    environment = Environment({"S": "s3cr3t-value"})
    secret = Secret.read("${S}", ("it",), Reader(environment))

    assert secret is not None
    assert secret.reveal() == "s3cr3t-value"
    assert "s3cr3t" not in repr(secret)
    assert environment.secrets == {"s3cr3t-value"}


def test_a_blank_secret_is_a_problem():
    assert complaint(Secret, "${S}", Environment({"S": "  "})).code == "blank-secret"


def test_an_address_is_shown_without_its_password():
    environment = Environment({})
    address = Address.read("amqp://ada:p%40ss-w0rd@mq.test:5672/v", ("it",), Reader(environment))

    assert address is not None
    assert address.reveal() == "amqp://ada:p%40ss-w0rd@mq.test:5672/v"
    assert repr(address) == "amqp://ada:***@mq.test:5672/v"
    assert environment.secrets == {"p%40ss-w0rd", "p@ss-w0rd"}
    assert repr(read(Address, "nats://127.0.0.1:4222")) == "nats://127.0.0.1:4222"


@pytest.mark.parametrize(("text", "ms"), [("30s", 30_000), ("1h30m", 5_400_000), ("250ms", 250)])
def test_a_duration_is_read(text, ms):
    assert read(Duration, text).ms == ms


@pytest.mark.parametrize("value", ["soon", 30, ""])
def test_what_is_no_duration_says_how_to_write_one(value):
    assert '"30s"' in (complaint(Duration, value).hint or "")


@pytest.mark.parametrize(
    ("text", "payload", "filled"),
    [
        ("https://a.test", {}, "https://a.test"),
        ("https://a.test/x/{{ id }}", {"id": "a/b?c#d"}, "https://a.test/x/a%2Fb%3Fc%23d"),
        ("https://a.test/?q={{ q }}&r=1", {"q": "x&y=z"}, "https://a.test/?q=x%26y%3Dz&r=1"),
        ("https://a.test?{{ q }}", {"q": "k=v"}, "https://a.test?k%3Dv"),
        ("http://a.test:8080/ü", {}, "http://a.test:8080/%C3%BC"),
        ("https://a.test/{{ n | urlencode }}", {"n": "a b"}, "https://a.test/a%20b"),
        ("https://a.test/x#frag", {}, "https://a.test/x"),
        ("http://[::1]:3000/{{ id }}", {"id": 1}, "http://[::1]:3000/1"),
    ],
)
def test_a_url_is_filled_and_encoded(text, payload, filled):
    assert read(Url, text).fill(scope_of(payload)) == filled


@pytest.mark.parametrize(
    "text",
    [
        "https://{{ host }}/x",
        "https://{{ host }}",
        "https://a.test{{ x }}/",
        "https://a.{{ x }}.test/",
        "https://a.test:{{ port }}/",
        "{{ url }}",
        "{{ scheme }}://a.test/",
        "ftp://a.test/",
        "file:///etc/passwd",
        "a.test/x",
        "https:///x",
        "https://user:pw@a.test/",
        "https://a.test@evil.test/",
        "https://a.test:0/",
        "https://a.test:99999/",
        "https://①②⑦.⓪.⓪.①/",
        "https://bücher.test/",
        "https://a.test/\r\nX: 1",
        "",
    ],
)
def test_a_url_whose_host_is_not_literal_and_plain_is_a_problem(text):
    assert complaint(Url, text).code == "wrong-url"


@pytest.mark.parametrize("value", ["..", ".", "../../admin"])
def test_a_value_cannot_climb_out_of_a_urls_path(value):
    url = read(Url, "https://a.test/users/{{ v }}/x")

    if "/" in value:
        assert url.fill(scope_of({"v": value})) == "https://a.test/users/..%2F..%2Fadmin/x"
        return
    with pytest.raises(TemplateError, match="climb"):
        url.fill(scope_of({"v": value}))


def test_a_url_from_a_variable_waits_for_the_environment():
    assert Url.read("${BASE}/x", ("it",), Reader(None)) is not None
    assert read(Url, "${BASE}/x/{{ id }}", BASE="https://b.test").host == "b.test"
    assert complaint(Url, "${BASE}/x", Environment({"BASE": "not a url"})).code == "wrong-url"


def test_a_url_knows_whether_its_host_was_written_as_an_address():
    assert read(Url, "http://localhost:3000/").is_address
    assert read(Url, "http://[::1]/").is_address
    assert not read(Url, "http://a.test/").is_address


def test_a_file_name_takes_values_without_folders():
    name = read(FileName, "logs/{{ @source }}-{{ v }}.txt")

    assert name.fill(scope_of({"v": "../../etc/passwd"})) == "logs/shop-____etc_passwd.txt"


def test_an_argument_knows_when_a_value_would_read_as_an_option():
    argument = read(Argument, "{{ v }}")

    for value in ("-rf", "@/etc/passwd", "--output=x"):
        assert argument.is_taken_for_option(argument.fill(scope_of({"v": value})))
    assert not argument.is_taken_for_option("x-y")
    assert not read(Argument, "--name={{ v }}").is_taken_for_option("--name=-x")
    assert read(Argument, "{{ a }}-{{ v }}").is_taken_for_option("-v")


def test_an_argument_is_bounded():
    with pytest.raises(TemplateError):
        read(Argument, "{{ v }}{{ v }}{{ v }}").fill(scope_of({"v": "x" * 60_000}))
