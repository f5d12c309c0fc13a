"""T7: naughty JSON: read strictly or not at all, in no time, and never with an exception.

`HOOKAGENT_JSONTESTSUITE` may name a folder with the `test_parsing` files of JSONTestSuite; our own
cases need nothing. Doubled keys are the one liberty taken: the last one counts (docs/security.md).
"""

import json
import time

import pytest

from hookagent.payload import DEPTH_MAX, Parsed, Unparsed, read_form, read_json
from tests.patience import least
from tests.security.raw import alive
from tests.security.resources import processor_s
from tests.security.suites import JSON_SUITE
from tests.whole.served import lines, run

LIMIT_S = 0.05
MIB = 1024 * 1024

REFUSED = {
    "nothing": b"",
    "white space": b" \n\t ",
    "half": b'{"a":',
    "NaN": b"[NaN]",
    "Infinity": b"[Infinity]",
    "-Infinity": b"[-Infinity]",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "UTF-16 without a mark": '{"a":1}'.encode("utf-16-le"),
    "UTF-32": '{"a":1}'.encode("utf-32"),
    "a lone surrogate": b'["\\ud800"]',
    "a lone low surrogate as a key": b'{"\\udc00":1}',
    "surrogates in the wrong order": b'["\\udc00\\ud800"]',
    "a surrogate as bytes": b'["\xed\xa0\x80"]',
    "an overlong slash": b'["\xc0\xaf"]',
    "a byte beyond UTF-8": b'["\xff"]',
    "bad bytes outside strings": b"[1]\xff",
    "a NUL": b"[1]\0",
    "a NUL in a string": b'["a\0b"]',
    "a line end in a string": b'["a\nb"]',
    "two values": b"{}{}",
    "a comma too many": b"[1,]",
    "a leading zero": b"[01]",
    "hex": b"[0x1]",
    "a plus": b"[+1]",
    "a dot first": b"[.5]",
    "a dot last": b"[5.]",
    "single quotes": b"['a']",
    "a comment": b"[1] // x",
    "no quotes": b"{a:1}",
    "a wrong escape": b'["\\x41"]',
    "a short escape": b'["\\u12"]',
    f"depth {DEPTH_MAX + 1}": b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1),
    "depth 1,024": b"[" * 1_024 + b"]" * 1_024,
    "depth 1,000,000": b"[" * 1_000_000,
    "depth 500,000, closed": b"[" * 500_000 + b"]" * 500_000,
    "objects 100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "depth hidden behind strings": b'["\\"[",' * 1_000 + b"1" + b"]" * 1_000,
    "a wide and deep pile": b"[" + b"[[[[[]]]]]," * 80_000 + b"[" * 200 + b"]" * 201,
    "1e400": b"[1e400]",
    "-1e400": b"[-1e400]",
}
TAKEN = {
    f"depth {DEPTH_MAX}": b"[" * DEPTH_MAX + b"]" * DEPTH_MAX,
    "brackets in a string": b'["' + b"[" * 1_000_000 + b'"]',
    "a 64-bit number": b"[18446744073709551615]",
    "a number beyond 64 bits": b"[18446744073709551616]",
    "1,000 digits": b"[" + b"1" * 1_000 + b"]",
    "a million digits": b"[" + b"1" * 1_000_000 + b"]",
    "an escaped NUL": b'["a\\u0000b"]',
    "a pair of surrogates": b'["\\ud83d\\ude00"]',
    "100,000 keys": json.dumps({str(n): n for n in range(100_000)}).encode(),
    "a scalar": b"1",
}


def cost_of(text: bytes) -> float:
    """Return the processor time that reading takes, in seconds."""
    began = time.thread_time()
    read_json(text)
    return time.thread_time() - began


@pytest.mark.parametrize("name", REFUSED)
def test_t07_what_is_not_json_is_refused_in_no_time(name):
    assert least(lambda: cost_of(REFUSED[name]), LIMIT_S) < LIMIT_S
    assert isinstance(read_json(REFUSED[name]), Unparsed)


@pytest.mark.parametrize("name", TAKEN)
def test_t07_odd_json_is_read_or_refused_in_no_time(name):
    assert least(lambda: cost_of(TAKEN[name]), 2 * LIMIT_S) < 2 * LIMIT_S
    assert isinstance(read_json(TAKEN[name]), Parsed | Unparsed)


def test_t07_of_doubled_keys_the_last_one_counts():
    assert read_json(b'{"a":1,"a":2}') == Parsed({"a": 2})


def test_t07_a_form_has_a_bounded_number_of_fields():
    assert isinstance(read_form(b"&".join(b"a=%d" % n for n in range(1_001))), Unparsed)
    assert isinstance(read_form(b"a=\xff"), Unparsed)
    assert isinstance(read_form(b"a=%ff"), Unparsed)


@pytest.mark.skipif(not JSON_SUITE.is_dir(), reason="HOOKAGENT_JSONTESTSUITE names no folder")
def test_t07_jsontestsuite_is_met():
    began = time.thread_time()
    files = sorted(JSON_SUITE.glob("*.json"))
    found = {file.name: isinstance(read_json(file.read_bytes()), Parsed) for file in files}
    took = time.thread_time() - began

    bad = [name for name in found if name[0] == "n"]
    good = [name for name in found if name[0] == "y"]
    assert [name for name in bad if found[name]] == []
    assert [name for name in good if not found[name]] == []
    assert (len(bad), len(good)) >= (188, 95)
    assert took / len(files) < LIMIT_S


def test_t07_the_agent_takes_each_of_them_and_stays_itself(shop):
    for body in [*REFUSED.values(), *TAKEN.values()]:
        if len(body) > MIB:
            continue
        before = processor_s(shop.process.pid)
        status, answer = shop.post(body)
        assert status in {200, 400}, (body[:40], answer)
        assert alive(shop.port)
        spent = processor_s(shop.process.pid) - before
        assert spent < 1, (body[:40], spent)
    nul = json.loads(shop.post(b'{"id":"\\u0000","type":"\\u0000/\\u001b[2J"}')[1]["id"].join('""'))

    (event,) = lines(run(shop.folder, "inspect", nul, "--json"))

    assert json.loads(event["body"])["id"] == "\0"
    assert shop.process.poll() is None
