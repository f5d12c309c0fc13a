"""Ports for what must know its own before it starts."""

import random
import socket

LOWEST, HIGHEST = 20_000, 30_000
"""Below those that Linux and macOS give to whoever asks for any: nobody else is given one of these
between the look and the start."""


def free_port() -> int:
    """Return a port of the loopback that nobody listens at."""
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(LOWEST, HIGHEST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
