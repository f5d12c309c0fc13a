"""T11: a compressed body is refused by its head; nobody inflates it."""

import gzip
import threading
import zlib

import pytest

from tests.security.raw import alive, signed, statuses, talk
from tests.security.resources import memory, processor_s

MIB = 1024 * 1024
ZEROS = bytes(100 * MIB)
BOMBS = {
    "gzip": gzip.compress(ZEROS),
    "deflate": zlib.compress(ZEROS),
    "gzip in gzip": gzip.compress(gzip.compress(ZEROS)),
    "half a gzip": gzip.compress(ZEROS)[:1_000],
    "one byte of gzip": b"\x1f",
    "br": bytes.fromhex("5bffffff0f0000") + bytes(400),
    "zstd": bytes.fromhex("28b52ffd") + bytes(400),
}
ENCODINGS = {
    "gzip": b"gzip", "deflate": b"deflate", "gzip in gzip": b"gzip, gzip", "half a gzip": b"gzip",
    "one byte of gzip": b"GZIP", "br": b"br", "zstd": b"zstd",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_t11_a_bomb_is_refused_without_being_read(shop, name):
    memory_before, processor_before = memory(shop.process.pid), processor_s(shop.process.pid)
    answered: list[bool] = []
    end = threading.Event()

    def watch() -> None:
        while not end.is_set():
            answered.append(alive(shop.port))

    watcher = threading.Thread(target=watch)
    watcher.start()
    answer = talk(shop.port, signed(BOMBS[name], b"Content-Encoding: " + ENCODINGS[name]))
    end.set()
    watcher.join()

    grown = memory(shop.process.pid) - memory_before
    spent = processor_s(shop.process.pid) - processor_before
    print(f"T11: {name}: {spent:.2f} s of the processor, memory +{grown / MIB:.1f} MiB")
    assert statuses(answer) == [415]
    assert answered
    assert all(answered)
    assert grown < 16 * MIB
    assert spent < 1.0


def test_t11_a_hundred_megabytes_are_refused_by_their_length(shop):
    head = (
        b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nX-Shop-Signature: sha256=00\r\n"
        b"Content-Length: 104857600\r\n\r\n"
    )
    before = memory(shop.process.pid)

    assert statuses(talk(shop.port, head + ZEROS[: 4 * MIB])) == [413]
    assert memory(shop.process.pid) - before < 16 * MIB


def test_t11_an_endless_body_in_chunks_is_cut_at_its_limit(shop):
    head = (
        b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nX-Shop-Signature: sha256=00\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    before = memory(shop.process.pid)

    answer = talk(shop.port, head + b"10000\r\n%b\r\n" % ZEROS[:65_536] * 200)

    assert statuses(answer) in ([413], [])  # a sender that does not stop may see a reset instead
    assert memory(shop.process.pid) - before < 16 * MIB
    assert alive(shop.port)


def test_t11_a_body_that_says_identity_is_read_as_it_is(shop):
    assert statuses(
        talk(shop.port, signed(b'{"id":"identity"}', b"Content-Encoding: identity"))
    ) == [200]
