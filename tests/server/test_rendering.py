"""Pure: an answer as bytes."""

import pytest

from hookagent.pipeline.answer import Answer
from hookagent.server import rendering
from hookagent.server.rendering import render


def test_an_answer_is_whole_and_says_when_it_is_the_last():
    answer = Answer(200, b"ok", "text/plain", (("X-A", "1"),))

    assert render(answer, close=True) == (
        b"HTTP/1.1 200 OK\r\nServer: hookagent\r\nX-Content-Type-Options: nosniff\r\n"
        b"Content-Type: text/plain\r\nX-A: 1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    )
    assert b"Connection" not in render(answer, close=False)
    assert render(Answer(299), close=False).startswith(b"HTTP/1.1 299 Status\r\n")


def test_heads_that_echo_do_not_grow_without_end():
    for number in range(2 * rendering.HEADS_MAX):
        render(Answer(200, headers=(("X-Echo", str(number)),)), close=False)

    assert len(rendering._heads) <= rendering.HEADS_MAX


def test_an_answer_to_head_ends_with_its_head():
    whole = render(Answer(404, b"{}"), close=False)

    assert render(Answer(404, b"{}"), close=False, is_head=True) == whole.removesuffix(b"{}")


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_may_have_no_body_has_none_and_says_no_length(status):
    written = render(Answer(status, b"{}"), close=False)

    assert written.endswith(b"\r\n\r\n")
    assert b"Content-Length" not in written
