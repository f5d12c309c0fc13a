"""Pure: ngrok's words as sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.tunnel.ngrok_errors import KNOWN, explain, explain_code, mask, one_line


@pytest.mark.parametrize("code", sorted(KNOWN))
def test_every_known_code_becomes_a_sentence_with_a_hint(code):
    down = explain(f'{{"details":{{"err":"failed.\\n\\nERR_NGROK_{code}\\n"}}}}')

    assert down.code == f"err-ngrok-{code}"
    assert f"`ERR_NGROK_{code}`" in down.message
    assert not down.message.endswith(".")
    assert down.hint


@pytest.mark.parametrize("code", [105, 107, 108, 120, 334, 4018])
def test_what_a_person_must_mend_is_not_tried_again(code):
    assert not explain(f"ERR_NGROK_{code}").retryable


@pytest.mark.parametrize("code", [702, 717, 718, 734, 1214, 3004, 3200])
def test_what_passes_by_itself_is_tried_again(code):
    assert explain(f"ERR_NGROK_{code}").retryable


def test_an_unknown_code_keeps_ngroks_own_words_and_names_its_page():
    down = explain("Something new is wrong.\r\n\r\nERR_NGROK_99999\r\n")

    assert "Something new is wrong" in down.message
    assert down.hint == "see https://ngrok.com/docs/errors/err_ngrok_99999"


def test_a_dead_network_is_named():
    assert explain("dial tcp: lookup connect.ngrok-agent.com: no such host").code == "no-network"


def test_anything_else_is_quoted():
    assert explain("out of cheese").message == "ngrok did not start: out of cheese"


def test_the_token_is_masked_even_when_only_ngrok_knows_it():
    text = r"is not valid.\r\nYour authtoken: abc_DEF123\r\nERR_NGROK_105"

    assert "abc_DEF123" not in mask(text, "")
    assert mask("xx s3cret yy", "s3cret") == "xx *** yy"


@given(st.text())
def test_any_text_is_explained_in_one_bounded_line(text):
    down = explain(text)

    assert "\n" not in down.message
    assert len(down.message) < 300
    assert len(one_line(text)) <= 200
    assert explain_code(text) is None or down == explain_code(text)
