"""What a secret's text means is the scheme's business."""

import hashlib

import pytest

from hookagent.errors import ConfigError
from hookagent.providers.secret import key_of
from hookagent.providers.shape import SecretForm


def test_the_same_text_is_another_key_in_another_scheme() -> None:
    text = "whsec_AQID"
    assert key_of(text, SecretForm()) == b"whsec_AQID"
    assert key_of(text, SecretForm(form="base64", strip=("whsec_",))) == b"\x01\x02\x03"


def test_only_the_first_prefix_that_fits_is_taken_off() -> None:
    form = SecretForm(form="base64", strip=("v1,whsec_", "whsec_"))
    assert key_of("v1,whsec_AQID", form) == key_of("whsec_AQID", form) == key_of("AQID", form)


def test_other_forms() -> None:
    assert key_of("0102", SecretForm(form="hex")) == b"\x01\x02"
    assert key_of("_-8", SecretForm(form="base64url")) == b"\xff\xef"
    assert key_of("abc", SecretForm(append="&")) == b"abc&"
    assert (
        key_of("abc", SecretForm(hash="sha1"))
        == hashlib.sha1(b"abc", usedforsecurity=False).digest()
    )
    assert key_of("\ufb01", SecretForm(normalize="NFKD")) == b"fi"
    assert key_of("a&amp;b", SecretForm(normalize="html")) == b"a&b"


@pytest.mark.parametrize(
    ("secret", "form"),
    [
        ("", SecretForm()),
        ("whsec_", SecretForm(form="base64", strip=("whsec_",))),
        ("xyz 12", SecretForm(form="hex")),
        ("n@t base64", SecretForm(form="base64")),
    ],
)
def test_what_cannot_be_a_key_is_an_error_that_does_not_show_it(
    secret: str, form: SecretForm
) -> None:
    with pytest.raises(ConfigError) as caught:
        key_of(secret, form)
    assert not secret or secret not in str(caught.value)
