"""Pure: the short way says yes only where aiohttp's parser does, and reads the same."""

import asyncio
import time
from unittest import mock

import pytest
from aiohttp import ClientPayloadError
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser
from hypothesis import given
from hypothesis import strategies as st

from hookagent.server import plain
from hookagent.server.plain import read_plain
from tests.patience import least

USUAL = (
    b"POST /hooks/shop?x=1 HTTP/1.1\r\nHost: a.test\r\nX-Signature: sha256=ab cd \r\n"
    b"Content-Type: application/json\r\nX-Empty:\r\nContent-Length: 2\r\n\r\n{}"
)


@pytest.fixture(scope="module")
def parse():
    loop = asyncio.new_event_loop()

    def parse(data: bytes):
        """Return method, target, fields and body of the only request, as the parser sees it."""
        protocol = BaseProtocol(loop)
        protocol.transport = mock.Mock()
        parser = HttpRequestParser(
            protocol,
            loop,
            2**16,
            max_line_size=8_190,
            max_field_size=8_190,
            payload_exception=ClientPayloadError,
            auto_decompress=False,
        )
        [(message, body)], upgraded, rest = parser.feed_data(data)
        assert (message.version, message.should_close, message.upgrade) == ((1, 1), False, False)
        assert not message.chunked
        assert not message.compression
        assert not upgraded
        assert not rest
        assert body.is_eof()
        return message.method, message.path, message.raw_headers, body.read_nowait(-1)

    yield parse
    loop.close()


def same(read, parsed):
    return (read.method, read.target, read.headers.pairs, read.body) == parsed


def test_a_usual_delivery_is_read(parse):
    read = read_plain(USUAL)

    assert read is not None
    assert same(read, parse(USUAL))
    assert read.headers.all("x-signature") == [b"sha256=ab cd"]
    assert read.headers.text("X-Empty") == ""
    assert read.headers.text("X-Other") is None


def test_a_usual_delivery_is_read_the_same_again():
    assert read_plain(USUAL) == read_plain(USUAL)


@pytest.mark.parametrize(
    "data",
    [
        USUAL[:-1],
        USUAL + b"P",
        USUAL + USUAL,
        USUAL[:60],
        b"",
        b"\r\n" + USUAL,
        USUAL.replace(b"HTTP/1.1", b"HTTP/1.0"),
        USUAL.replace(b"HTTP/1.1", b"HTTP/1.1 "),
        USUAL.replace(b"/hooks", b"http://a.test/hooks"),
        USUAL.replace(b"POST ", b"post "),
        USUAL.replace(b"POST ", b"POST  "),
        USUAL.replace(b"Content-Length: 2", b"Content-Length: +2"),
        USUAL.replace(b"Content-Length: 2", b"Content-Length: 2\r\ncontent-length: 2"),
        USUAL.replace(b"Content-Length: 2", b"Content-Length : 2"),
        USUAL.replace(b"Content-Length: 2\r\n", b""),
        USUAL.replace(b"Content-Length: 2", b"Content-Length: " + b"2" * 5_000),
        USUAL.replace(b"Host: a.test", b"Host: a.test\r\nHOST: b.test"),
        USUAL.replace(b"Host: a.test\r\n", b""),
        USUAL.replace(b"POST", b"CONNECT"),
        USUAL.replace(b"/hooks", b"//hooks"),
        USUAL.replace(b"X-Empty", b"Sec-WebSocket-Key1"),
        USUAL.replace(b"X-Empty:", b"X-Empty"),
        USUAL.replace(b"X-Empty:", b" X-Empty:"),
        USUAL.replace(b"X-Empty:", b": x"),
        USUAL.replace(b"X-Empty:", b"X-Empty: \x00"),
        USUAL.replace(b"X-Empty:", b"X-Empty: \n"),
        USUAL.replace(b"X-Empty:", b"X-Empty: \xe9"),
        USUAL.replace(b"X-Empty:", b"Transfer-Encoding: chunked"),
        USUAL.replace(b"X-Empty:", b"Connection: close"),
        USUAL.replace(b"X-Empty:", b"connection: keep-alive"),
        USUAL.replace(b"X-Empty:", b"Expect: 100-continue"),
        USUAL.replace(b"X-Empty:", b"Upgrade: websocket"),
        USUAL.replace(b"X-Empty:", b"Content-Encoding: gzip"),
        USUAL.replace(b"X-Empty:", b"X-Long: " + b"a" * 9_000),
        USUAL.replace(b"X-Empty:", b"\r\n".join(b"X-%d: 1" % n for n in range(99))),
        USUAL.replace(b"X-Empty:\r\n", b"X-Empty:\r"),
    ],
)
def test_whatever_is_not_plain_is_left_to_the_parser(data):
    assert data != USUAL
    assert read_plain(data) is None


LINES = st.sampled_from([
    b"POST / HTTP/1.1", b"POST /a%20b?c=d&e#f HTTP/1.1", b"PUT /\xc3\xa9 HTTP/1.1", b"GET * HTTP/1.1",
    b"POST //a/../b;c HTTP/1.1", b"POST /a\\b HTTP/1.1", b'POST /"<>{}|^` HTTP/1.1',
    b"PROPFIND / HTTP/1.1", b"ABC / HTTP/1.1", b"CONNECT / HTTP/1.1", b"PRI * HTTP/2.0", b"POST / HTTP/1.9",
    b"MKCOL /?x HTTP/1.1", b"POST /? HTTP/1.1", b"POST /?? HTTP/1.1", b"DELETE /a:80/ HTTP/1.1",
])  # fmt: skip
NAMES = st.sampled_from([
    b"Host", b"Content-Length", b"content-length", b"CONTENT-LENGTH", b"Content-Type", b"X-A", b"x_b", b"X.C~`|",
    b"Transfer-Encoding", b"Connection", b"Upgrade", b"Expect", b"Keep-Alive", b"Content-Encoding",
    b"Trailer", b"TE", b"Proxy-Connection", b"Accept", b"HTTP2-Settings", b"Sec-WebSocket-Key1", b"Cookie",
    b"Content-Location", b"Server", b"", b"X A", b"X-\xe9", b"X(", b"User-Agent", b"Set-Cookie", b"Etag",
])  # fmt: skip
VALUES = st.one_of(
    st.sampled_from([
        b"", b" ", b"2", b"02", b"2 ", b"+2", b"-2", b"0x2", b"2, 2", b"1_0", b"\xb2", b"chunked", b"close",
        b"keep-alive", b"identity", b"websocket", b"100-continue", b"a\tb", b"\ta", b"a\t", b"a  b", b"\x7f",
        b"a\rb", b"a\nb", b"\x00", b"caf\xe9", b"a: b", b'"q"', b"h2c",
    ]),
    st.binary(max_size=6),
)  # fmt: skip
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\n "])


@st.composite
def requests(draw):
    """Make what mostly is a request, with a length that mostly is right."""
    body = draw(st.binary(max_size=4))
    fields = draw(
        st.lists(st.tuples(NAMES, st.sampled_from([b": ", b":", b" : "]), VALUES), max_size=5)
    )
    if draw(st.integers(0, 5)):
        fields.append((b"Host", b": ", b"a.test"))
        fields.append((b"Content-Length", b": ", b"%d" % len(body)))
    end = draw(ENDS)
    head = draw(LINES) + end + b"".join(a + b + c + draw(ENDS) for a, b, c in fields)
    return head + b"\r\n" + body


@given(requests())
def test_what_is_read_is_what_the_parser_reads(parse, data):
    read = read_plain(data)

    if read is not None:
        assert same(read, parse(data))


@given(st.integers(0, len(USUAL) - 1), st.binary(max_size=2), st.integers(0, 2))
def test_a_usual_delivery_with_some_bytes_changed_is_read_as_the_parser_does(parse, at, new, gone):
    data = USUAL[:at] + new + USUAL[at + gone :]
    read = read_plain(data)

    if read is not None:
        assert same(read, parse(data))


def test_strangers_cannot_fill_the_memory():
    for number in range(3 * plain.KEPT_MAX):
        assert read_plain(
            b"POST /%d HTTP/1.1\r\nHost: h%d\r\nX-%d: 1\r\nContent-Length: 0\r\n\r\n"
            % (number, number, number)
        )

    assert len(plain._lines) <= plain.KEPT_MAX
    assert len(plain._fields) <= plain.KEPT_MAX


@pytest.mark.parametrize(
    "field",
    [
        b"a:" + b" " * 7_900 + b"\rx", b"a: x" + b" " * 7_900 + b"\rx", b"a: " + b"x " * 3_900 + b"\rx",
        b"a" * 7_900 + b"\rx", b"a:" + b" " * 7_900, b"a: " + b"x" * 7_900 + b"\r", b": " * 3_900,
    ],
)  # fmt: skip
def test_no_field_takes_long(field):
    data = b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\n" + field + b"\r\nContent-Length: 0\r\n\r\n"

    def cost() -> float:
        began = time.thread_time()
        read_plain(data)
        return time.thread_time() - began

    assert least(cost, 0.02) < 0.02
