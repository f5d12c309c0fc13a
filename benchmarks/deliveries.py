"""Signed deliveries for the load: each with a body and a signature of its own, cheap to make.

All bodies of one size are the same but for the id at their end, so the signature's hash goes on
from a state kept for the part they share: making one costs some two microseconds at any size.
"""

import hmac
import json
import random
from collections.abc import Iterator
from hashlib import sha256

HOST = "127.0.0.1"
_DATA = {"sender": {"login": "ada"}, "repository": {"full_name": "ada/engine"}}
_ID_SIZE = 24


def deliveries(*, port: int, path: str, secret: str, size: int) -> Iterator[bytes]:
    """Yield whole HTTP requests without end; their bodies are `size` bytes, 240 at the least."""
    shared = f'{{"type":"bench.event","action":"opened","data":{json.dumps(_DATA)},"padding":"'
    rest = '","id":"'
    padding = max(size - len(shared) - len(rest) - _ID_SIZE - 2, 0)
    beginning = (shared + "x" * padding + rest).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nUser-Agent: bench/1\r\n"
        f"Accept: */*\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(beginning) + _ID_SIZE + 2}\r\nX-Bench-Signature: sha256="
    ).encode()
    begun = hmac.new(secret.encode(), beginning, sha256)
    salt = f"{random.getrandbits(48):012x}"
    number = 0
    while True:
        ending = b'%b%012x"}' % (salt.encode(), number)
        signature = begun.copy()
        signature.update(ending)
        yield b"%b%b\r\n\r\n%b%b" % (head, signature.hexdigest().encode(), beginning, ending)
        number += 1
