"""T3: odd and hostile framing over a raw socket: each case has one policy, nothing is echoed."""

import os
import subprocess
import sys

import pytest

from tests.patience import PATIENCE_S
from tests.security.raw import alive, chunked, signed, statuses, talk
from tests.security.resources import processor_s
from tests.whole.served import OURS, run, signature, write_project

BODY = b'{"id":"t03"}'
PROOF = b"X-Shop-Signature: " + signature(BODY).encode()
LENGTH = b"Content-Length: %d" % len(BODY)
CANARY = b"cAnArY"
POST = b"POST /hooks/shop HTTP/1.1"


def head(*lines: bytes, first: bytes = POST, host: tuple[bytes, ...] = (b"Host: x",)) -> bytes:
    return b"\r\n".join([first, *host, *lines]) + b"\r\n\r\n"


def many(count: int) -> list[bytes]:
    return [b"X-%d: %b" % (number, CANARY) for number in range(count)]


REFUSED = {
    "length and chunks": head(PROOF, LENGTH, b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "two lengths": head(PROOF, LENGTH, b"Content-Length: 3") + BODY,
    "two equal lengths": head(PROOF, LENGTH, LENGTH) + BODY,
    "a list of lengths": head(PROOF, LENGTH + b", 12") + BODY,
    "a length with a sign": head(PROOF, b"Content-Length: +12") + BODY,
    "a negative length": head(PROOF, b"Content-Length: -12") + BODY,
    "a length in hex": head(PROOF, b"Content-Length: 0xc") + BODY,
    "a length of 30 digits": head(PROOF, b"Content-Length: " + b"9" * 30) + BODY,
    "an unknown transfer coding": head(PROOF, b"Transfer-Encoding: xchunked") + BODY,
    "chunked not last": head(PROOF, b"Transfer-Encoding: chunked, identity") + BODY,
    "bare line feeds": head(PROOF, LENGTH).replace(b"\r\n", b"\n") + BODY,
    "a space before the colon": head(PROOF, b"X-A : " + CANARY, LENGTH) + BODY,
    "a folded header": head(PROOF, b"X-A: 1\r\n " + CANARY, LENGTH) + BODY,
    "a NUL in a value": head(PROOF, b"X-A: a\0" + CANARY, LENGTH) + BODY,
    "no host": head(PROOF, LENGTH, host=()) + BODY,
    "two hosts": head(PROOF, LENGTH, host=(b"Host: x", b"Host: " + CANARY)) + BODY,
    "200 headers": head(PROOF, *many(200), LENGTH) + BODY,
    "a header of 9,000 bytes": head(PROOF, b"X-A: " + CANARY * 1500, LENGTH) + BODY,
    "a path of 9,000 bytes": head(PROOF, LENGTH, first=b"POST /" + CANARY * 1500 + b" HTTP/1.1"),
    "a method in small letters": head(PROOF, LENGTH, first=b"post /hooks/shop HTTP/1.1") + BODY,
    "a tab after the method": head(PROOF, LENGTH, first=b"POST\t/hooks/shop HTTP/1.1") + BODY,
    "HTTP/1.2": head(PROOF, LENGTH, first=b"POST /hooks/shop HTTP/1.2") + BODY,
    "a chunk size of 18 digits": head(PROOF, b"Transfer-Encoding: chunked") + b"f" * 18 + b"\r\n",
    "a negative chunk size": head(PROOF, b"Transfer-Encoding: chunked") + b"-1\r\n" + BODY,
    "a vertical tab before chunked": head(PROOF, b"Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n",
    "two transfer encodings": head(
        PROOF, b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"
    )
    + b"0\r\n\r\n",
    "a length in two words": head(PROOF, b"Content-Length: 1 2") + BODY,
    "bare line feeds in chunks": head(PROOF, b"Transfer-Encoding: chunked") + b"1\nx\n0\n\n",
    "a carriage return after a chunk size": (
        head(PROOF, b"Transfer-Encoding: chunked") + b"1\rXx\r\n0\r\n\r\n"
    ),
    "a chunk size in hex notation": head(PROOF, b"Transfer-Encoding: chunked") + b"0x1\r\nx\r\n",
    "5,000 trailers": (
        head(PROOF, b"Transfer-Encoding: chunked") + b"0\r\n" + b"A: b\r\n" * 5_000 + b"\r\n"
    ),
    "a trailer of 3 MB": (
        head(PROOF, b"Transfer-Encoding: chunked") + b"0\r\nA: " + CANARY * 500_000
    ),
    "a field without a colon": head(PROOF, CANARY, LENGTH) + BODY,
    "a NUL in a name": head(PROOF, b"A\0b: c", LENGTH) + BODY,
    "a field of spaces and a carriage return": (
        head(PROOF, b"a:" + b" " * 7_900 + b"\rx", LENGTH) + BODY
    ),
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + CANARY,
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}
POLICY = {
    **{name: (data, [400]) for name, data in REFUSED.items()},
    "1 MiB and one byte": (head(PROOF, b"Content-Length: 1048577"), [413]),
    "line ends in the path": (signed(BODY, path=b"/hooks/shop%00%0d%0a" + CANARY), [404]),
    "dots in the path": (signed(BODY, path=b"/hooks/%2e%2e/%2f..%2fhooks/shop"), [404]),
    "an absolute target": (signed(BODY, path=b"http://evil/hooks/shop"), [404]),
    "CONNECT": (head(first=b"CONNECT evil:443 HTTP/1.1"), [404]),
    "HTTP/2.0": (head(PROOF, LENGTH, first=b"POST /hooks/shop HTTP/2.0") + BODY, [505]),
    "HTTP/0.9": (head(PROOF, LENGTH, first=b"POST /hooks/shop HTTP/0.9") + BODY, [505]),
    "two equal signatures": (head(PROOF, PROOF, LENGTH) + BODY, [403]),
    "a bad signature before a good one": (
        head(b"X-Shop-Signature: sha256=00", PROOF, LENGTH) + BODY, [403],
    ),
    "a signature that is not ASCII": (
        head(b"X-Shop-Signature: sha256=\xc3\xa9\xff" + CANARY, LENGTH) + BODY, [403],
    ),
    "gzip": (signed(BODY, b"Content-Encoding: gzip"), [415]),
    "an unknown encoding": (signed(BODY, b"Content-Encoding: " + CANARY), [415]),
    "two encodings": (signed(BODY, b"Content-Encoding: gzip, gzip"), [415]),
    "128 headers": (head(PROOF, LENGTH, *many(125)) + BODY, [200]),
    "a long chunk extension": (chunked(BODY, extension=b";x=" + CANARY * 1500), [200]),
    "a chunk extension of 4 MB": (chunked(BODY, extension=b";x=" + b"y" * 4_000_000), [200]),
    "trailers are not headers": (
        chunked(BODY, trailer=b"X-Shop-Signature: sha256=00\r\nX-A: " + CANARY + b"\r\n"), [200],
    ),
    "an upgrade hides no second request": (
        head(PROOF, LENGTH, b"Connection: Upgrade", b"Upgrade: h2c") + BODY + signed(BODY), [200],
    ),
    "a request in the body of another": (
        head(b"Content-Length: %d" % len(signed(BODY)), first=b"GET /nowhere HTTP/1.1") + signed(BODY),
        [404],
    ),
    "an answer to HEAD": (head(b"Connection: close", first=b"HEAD /nowhere HTTP/1.1"), [404]),
    "empty lines before a request": (b"\r\n" * 2_000 + signed(BODY), [200]),
    "chunks with 3 MB of extensions": (
        head(PROOF, b"Transfer-Encoding: chunked")
        + (b"0" * 3 + b"1;" + b"y" * 16_000 + b"\r\nx\r\n") * 200 + b"0\r\n\r\n", [403],
    ),
    "an upgrade is ignored": (signed(BODY, b"Connection: Upgrade", b"Upgrade: h2c"), [200]),
    "an unknown expectation": (signed(BODY, b"Expect: " + CANARY), [200]),
    "a line end after the body": (signed(BODY, b"Connection: close") + b"\r\n", [200]),
    "a request after chunks in HTTP/1.0": (
        chunked(BODY).replace(b"HTTP/1.1", b"HTTP/1.0", 1) + signed(BODY), [400],
    ),
    "a second request hidden in the body": (
        signed(BODY + b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\n\r\n")[: -len(BODY)], [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", POLICY)
def test_t03_each_case_meets_its_policy_and_nothing_is_echoed(shop, name):
    data, expected = POLICY[name]

    before = processor_s(shop.process.pid)

    answer = talk(shop.port, data, wait_s=PATIENCE_S if expected else 1.0)

    assert statuses(answer) == expected
    for word in (CANARY, b"evil", b"aiohttp", b"Python", b"Traceback"):
        assert word not in answer
    assert alive(shop.port)
    assert processor_s(shop.process.pid) - before < 1


def test_t03_requests_in_one_pipe_stay_apart(shop):
    genuine = signed(b'{"id":"t03-pipe"}')
    forged = head(b"X-Shop-Signature: sha256=" + b"0" * 64, b"Content-Length: 5") + b"abcde"

    answer = talk(shop.port, genuine + forged + genuine, answers=3)

    assert statuses(answer) == [200, 403, 200]


def test_t03_serve_refuses_the_parser_that_lets_more_through(tmp_path):
    project = write_project(tmp_path)

    ended = subprocess.run(
        [sys.executable, "-m", "hookagent", "serve", "--port", "0", "--no-inspector"],
        cwd=project, capture_output=True, timeout=60, check=False,
        env={**os.environ, **OURS, "AIOHTTP_NO_EXTENSIONS": "1"},
    )  # fmt: skip

    assert ended.returncode == 5
    assert b"C parser" in ended.stderr


def test_t03_every_case_of_llhttp_leaves_the_agent_alive(shop):
    """Methods, versions, line ends and separators in every combination of the parser's own cases."""
    methods = (b"GET", b"POST", b"M-SEARCH", b"SOURCE", b"QUERY", b"PR\x00I", b"", b"P" * 300)
    targets = (b"/", b"*", b"", b"//", b"?", b"/\xff", b"http://[::1]:99999/", b"a:b")
    versions = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9.9", b"http/1.1", b"RTSP/1.0", b"ICE/1.0", b"")
    ends = (b"\r\n\r\n", b"\n\n", b"\r\r", b"\r\n\n", b" \r\n\r\n")
    hosts = (b"", b"\r\nHost: x")
    for method in methods:
        for target in targets:
            data = b"".join(
                b" ".join((method, target, version)) + host + end
                for version in versions for host in hosts for end in ends
            )  # fmt: skip
            assert 200 not in statuses(talk(shop.port, data, wait_s=0.5, end=True))
    assert alive(shop.port)
    assert shop.process.poll() is None
    assert run(shop.folder, "doctor", "--json").returncode in {0, 1}
