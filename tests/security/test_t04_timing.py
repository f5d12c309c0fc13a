"""T4: how long a refusal takes says nothing about how much of a signature was right."""

import gc
import statistics
import time

import msgspec
import pytest

from hookagent.event import Headers
from tests.pipeline.conftest import NOW
from tests.providers.kit import kit
from tests.security.raw import talk
from tests.whole.served import signature

BODY = b'{"id":"t04"}'
GOOD = signature(BODY)


def wrong_at(place: int) -> str:
    """Return the signature with one hex digit of it changed."""
    at = place if place >= 0 else len(GOOD) + place
    other = "0" if GOOD[at] != "0" else "1"
    return GOOD[:at] + other + GOOD[at + 1 :]


def request(proof: bytes) -> bytes:
    lines = (b"POST /hooks/shop HTTP/1.1", b"Host: x", b"X-Shop-Signature: " + proof)
    return b"\r\n".join((*lines, b"Content-Length: %d" % len(BODY))) + b"\r\n\r\n" + BODY


def test_t04_every_wrong_signature_gets_the_same_bytes(shop):
    answers = {
        talk(shop.port, request(proof.encode()))
        for proof in (wrong_at(7), wrong_at(-1), "sha256=", "sha1=00", "x", "sha256=" + "0" * 64)
    }

    assert len(answers) == 1


def differences(rounds: int, batch: int) -> tuple[float, float]:
    """Return the relative differences of medians: first against last digit, and A against A."""
    one = kit("github")
    proven = one.signed()
    name, proof = next((k, v) for k, v in proven.headers.items() if v.startswith("sha256="))
    first = proof[:7] + ("1" if proof[7] == "0" else "0") + proof[8:]
    last = proof[:-1] + ("1" if proof[-1] == "0" else "0")
    others = [(k, v) for k, v in proven.headers.items() if k != name]
    kinds = [
        msgspec.structs.replace(proven, headers=Headers.of([*others, (name, text)]))
        for text in (first, last, first)
    ]
    verify = one.verifier().verify
    times: list[list[float]] = [[], [], []]
    gc.disable()
    try:
        for number in range(rounds):
            for kind in sorted(range(3), key=lambda k: (k + number) % 3):
                began = time.perf_counter_ns()
                for _ in range(batch):
                    verify(kinds[kind], NOW)
                times[kind].append(time.perf_counter_ns() - began)
    finally:
        gc.enable()
    middle = [statistics.median(one) for one in times]
    return abs(middle[0] - middle[1]) / middle[0], abs(middle[0] - middle[2]) / middle[0]


@pytest.mark.long
def test_t04_the_first_wrong_digit_takes_as_long_as_the_last():
    found = [differences(rounds=1_000, batch=10) for _ in range(3)]

    assert min(apart for apart, _ in found) < max(0.01, *(noise for _, noise in found)), found
