"""Pure: nothing that is a secret survives a redactor, and what is none stays readable."""

import base64
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.redact import MASK, Redactor, is_sensitive

SECRET = "s3cr3t value/with+odd=chars"

secrets = st.text(min_size=4, max_size=40).filter(lambda text: text.strip("*") and "*" not in text)


@given(secrets, st.text(), st.text())
def test_a_known_secret_never_survives(secret, before, after):
    masked = Redactor([secret]).text(before + secret + after)

    assert secret not in masked


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        SECRET.encode().hex(),
    ],
)
def test_a_known_secret_is_masked_however_it_is_written(written):
    assert written not in Redactor([SECRET]).text(f"it was {written} indeed")


def test_a_secret_with_quotes_is_masked_inside_json():
    secret = 'pass"word\\1'

    masked = Redactor([secret]).text(msgspec.json.encode({"a": secret}).decode())

    assert masked == f'{{"a":"{MASK}"}}'


def test_the_longer_of_two_secrets_is_masked_whole():
    assert Redactor(["abcd", "abcdefgh"]).text("abcdefgh") == MASK


def test_short_values_are_settings_and_stay():
    assert Redactor(["yes", "1"]).text("yes 1") == "yes 1"


@pytest.mark.parametrize(
    "token",
    [
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
        "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
        "github_pat_" + "11ABCDEFG0123456789_abcdefghijkl",
        "xoxb-" + "123456789012-abcdefGHIJ",
        "AKIA" + "IOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
    ],
)
def test_a_token_of_a_known_shape_is_masked_without_being_known(token):
    assert Redactor().text(f"token {token}.") == f"token {MASK}."


def test_an_address_that_is_a_secret_itself_is_masked():
    masked = Redactor().text("https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXX")

    assert masked == f"https://hooks.slack.com/services/{MASK}"


def test_query_fields_with_telling_names_and_passwords_in_urls_are_masked():
    masked = Redactor().text("https://user:pass@host.test/a?token=abc&page=2&api_key=zzz#x")

    assert masked == f"https://{MASK}@host.test/a?token={MASK}&page=2&api_key={MASK}#x"


def test_headers_keep_their_order_and_the_scheme_of_an_authorization():
    pairs = [("Authorization", "Bearer abc"), ("X-Hub-Signature-256", "sha256=0a"), ("A", "b")]

    assert Redactor().fields(pairs) == [
        ("Authorization", f"Bearer {MASK}"),
        ("X-Hub-Signature-256", MASK),
        ("A", "b"),
    ]


def test_members_of_a_json_value_are_masked_by_name_at_any_depth():
    value = {"a": [{"password": "hunter2", "n": 1}], "token_type": "x", "tokens": 12}

    assert Redactor().value(value) == {
        "a": [{"password": MASK, "n": 1}],
        "token_type": "x",
        "tokens": 12,
    }


def test_a_value_nested_without_end_is_masked_rather_than_followed():
    value: object = "x"
    for _ in range(5000):
        value = [value]

    masked = Redactor().value(value)

    for _ in range(200):
        masked = masked[0]
    assert masked == MASK


@pytest.mark.parametrize("name", ["X-Secret-Token", "sig", "client_secret", "X-Api-Key", "Cookie"])
def test_names_that_hold_secrets_are_known_in_any_case(name):
    assert is_sensitive(name)
    assert is_sensitive(name.upper())


def test_the_redactor_does_not_show_what_it_masks():
    assert SECRET not in repr(Redactor([SECRET]))


def test_an_output_keeps_what_a_later_step_needs_but_no_secret_of_ours():
    output = {"access_token": "given-just-now", "echo": ["s3cret-of-ours"]}

    assert Redactor(["s3cret-of-ours"]).known(output) == {
        "access_token": "given-just-now",
        "echo": [MASK],
    }
