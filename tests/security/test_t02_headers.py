"""T2: hostile values of the headers that a signature is read from: never accepted, never an error."""

import msgspec
import pytest

from hookagent.event import Headers
from hookagent.verdict import Verdict
from tests.providers.kit import NOW
from tests.security.test_fuzz import SCHEMES, genuine, verifier

HEX = b"0" * 64
BASE64 = b"A" * 43 + b"="
BAD = (
    b"", b" ", b"\t", b",", b",,", b";", b"=", b"==", b"v1", b"v1,", b"v1=", b"v1,v1,", b"v0=", b"sha256", b"sha256=",
    b"sha256==", b"sha1=" + HEX, b"sha256=" + HEX, b"sha256=" + HEX[:-1], b"sha256=" + HEX + b"0",
    b"SHA256=" + HEX, b"sha256= " + HEX, b"sha256=" + b"0 " * 32, b"sha256=" + b"g" * 64, b"sha512=" + HEX * 2,
    b"md5=" + HEX[:32], b"none=", b"v1," + BASE64, b"v1," + BASE64 + b"=", b"v1," + BASE64[:-1], b"v1,!!" + BASE64,
    b"v1," + BASE64.replace(b"A", b"-"), b"v1a," + BASE64, b"v2," + BASE64, b"v1," * 200, (b"v1," + BASE64 + b" ") * 17,
    b"t=", b"t=1", b"t=,v1=", b"t=1,v1=" + HEX, b"t=1,t=2,v1=" + HEX, b"t=9" * 400, b"t=-1,v1=" + HEX,
    b"t=1e9,v1=" + HEX, b"t=1_700_000_000,v1=" + HEX, "t=\uff11\uff17\uff10,v1=".encode() + HEX, b"t= 1700000000 ,v1=" + HEX,
    b"t=NaN,v1=" + HEX, b"t=1700000000,v0=" + HEX, b"t=99999999999999999999,v1=" + HEX, b"t=0x1,v1=" + HEX,
    HEX, HEX.upper(), BASE64, b"A" * 8_190, b"\x00", b"\x00" * 64, b"\xff" * 64, b"\xc3\xa9", "é".encode() * 32,
    b"\xed\xa0\x80", "\u202e".encode() + HEX, b"\x1b[2J", b"Bearer", b"Bearer ", b"Bearer x.y.z", b"Basic", b"Basic !!",
    b"Basic " + BASE64, b"Digest x", b"a.b.c", b"...", b"eyJhbGciOiJub25lIn0.e30.", b"eyJhbGciOiJIUzI1NiJ9.e30." + BASE64,
    b"eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.", b"null", b"undefined", b"true", b"0", b"-1", b"1" * 400, b"[]", b"{}",
    b'{"a":1}', b'"', b"'", b"%00", b"../../x", b"${x}", b"{{ a }}", b'keyId="a",signature=""', b"sig1=:AA==:",
    b"sig1=::", b"sig1=(", b"sig1=:" + BASE64 + b":", b'sig1=("@method");alg="none"',
)  # fmt: skip
BODIES = (b"", b"{}", b'{"a":1}', b"\x00\xff\xfe", b"a=1&a=2", b"[" * 200, b'{"a":"\xed\xa0\x80"}')


def proofs(name: str) -> list[bytes]:
    """Return the headers without which a genuine request is not one."""
    request, judge = genuine(name), verifier(name)
    return [
        field
        for field, _ in request.headers.pairs
        if not judge.verify(
            msgspec.structs.replace(request, headers=request.headers.without(field.decode())), NOW
        ).valid
    ]


@pytest.mark.parametrize("name", SCHEMES)
def test_t02_no_bad_header_is_accepted_or_ends_in_an_error(name):
    """Every header that proves something in turn, with each value and body."""
    request, judge = genuine(name), verifier(name)
    fields = proofs(name)
    if not fields:
        pytest.skip("what it proves is not in a header")
    for field in fields:
        for value in BAD:
            pairs = [(k, value if k == field else v) for k, v in request.headers.pairs]
            for body in (request.body, *BODIES):
                tried = msgspec.structs.replace(request, headers=Headers(pairs), body=body)
                found = judge.verify(tried, NOW)
                assert isinstance(found, Verdict)
                assert not found.valid, (field, value, body)


def test_t02_there_are_enough_of_them():
    assert len(set(BAD)) >= 81
    assert len(BODIES) == 7
