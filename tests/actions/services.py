"""Real servers on this machine: tests use those that are there and say which are not."""

import socket

import pytest


def needs(name: str, port: int) -> pytest.MarkDecorator:
    """Skip a test where nothing listens on a local port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return pytest.mark.skip(reason=f"no {name} listens on 127.0.0.1:{port}")
    return pytest.mark.filterwarnings("default")
