"""Pure: where an answer ends, whatever way its server ends it."""

import pytest

from benchmarks.framing import Answer, Malformed, first_answer

WHOLE = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, True),
    (b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 0\r\n\r\n", 200, True),
    (
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        200,
        False,
    ),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 200, False),
    (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
        200,
        True,
    ),
    (b"HTTP/1.1 204 No Content\r\n\r\n", 204, True),
    (b"HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n", 503, True),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
        200,
        True,
    ),
    (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        200,
        True,
    ),
]


@pytest.mark.parametrize(("data", "status", "keeps"), WHOLE)
def test_an_answer_ends_where_its_head_says(data, status, keeps):
    answer = Answer(status, keeps=keeps, end=len(data))

    assert first_answer(data) == answer
    assert first_answer(data + b"HTTP/1.1 200") == answer


@pytest.mark.parametrize(("data", "status", "keeps"), WHOLE)
def test_no_beginning_of_an_answer_is_an_answer(data, status, keeps):
    assert [end for end in range(len(data)) if first_answer(data[:end])] == []


def test_without_a_length_the_end_of_the_connection_ends_the_answer():
    data = b"HTTP/1.0 200 OK\r\n\r\nsome text"

    assert first_answer(data) is None
    assert first_answer(data, is_ended=True) == Answer(200, keeps=False, end=len(data))


def test_a_connection_that_ends_in_the_middle_gave_no_answer():
    assert first_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", is_ended=True) is None
    assert first_answer(b"HTTP/1.1 200 OK\r\nConte", is_ended=True) is None


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
def test_what_is_no_answer_is_malformed(data):
    with pytest.raises(Malformed):
        first_answer(data)
