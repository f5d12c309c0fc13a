"""Strict text forms: one text for one value."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.providers.codec import DECODERS, ENCODERS, decode_base64_unpadded


@given(st.binary(max_size=80), st.sampled_from(sorted(DECODERS)))
def test_what_is_encoded_is_decoded(value: bytes, encoding: str) -> None:
    assert DECODERS[encoding](ENCODERS[encoding](value)) == value


@given(st.binary(max_size=80), st.sampled_from(sorted(DECODERS)))
def test_any_bytes_are_decoded_or_refused_and_only_one_text_is_right(
    text: bytes, encoding: str
) -> None:
    value = DECODERS[encoding](text)
    if value is None:
        return
    again = ENCODERS[encoding](value)
    assert again.lower().rstrip(b"=") == text.lower().rstrip(b"=")


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("hex", b"ab c"),
        ("hex", b"abc"),
        ("hex", b" ab"),
        ("hex", "\uff41\uff42".encode()),
        ("base64", b"QUI"),
        ("base64", b"QUI=="),
        ("base64", b"QU!I="),
        ("base64", b"QUI=\n"),
        ("base64", b"QUJ="),  # unused bits set
        ("base64", b"QU-_"),
        ("base64url", b"QU+/"),
        ("base64url", b"QUI=="),
        ("base64url", b"QUJ"),  # unused bits set
    ],
)
def test_lenient_forms_are_refused(encoding: str, text: bytes) -> None:
    assert DECODERS[encoding](text) is None


def test_hex_is_taken_in_either_case_and_written_as_the_scheme_says() -> None:
    assert DECODERS["hex"](b"ABcd") == DECODERS["hex-upper"](b"abCD")
    assert ENCODERS["hex"](b"\xab") == b"ab"
    assert ENCODERS["hex-upper"](b"\xab") == b"AB"


def test_url_base64_may_be_padded_or_not() -> None:
    padded = base64.urlsafe_b64encode(b"abcd")
    assert DECODERS["base64url"](padded) == DECODERS["base64url"](padded.rstrip(b"=")) == b"abcd"


def test_pasted_secrets_may_lack_their_padding() -> None:
    assert decode_base64_unpadded(b"QUI") == b"AB"
    assert decode_base64_unpadded(b"Q!") is None
