"""systemd is told once everything runs, and nobody is told where nobody asked."""

import socket

import pytest

from hookagent.pipeline.readiness import READY, tell
from tests.patience import PATIENCE_S


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(PATIENCE_S)
        yield listening, str(tmp_path / "notify")


def test_the_state_is_one_datagram(manager):
    listening, address = manager

    assert tell(READY, {"NOTIFY_SOCKET": address})
    assert listening.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "relative", "/no/such/socket", "@no-such-name"])
def test_without_a_manager_nothing_happens(address):
    assert not tell(READY, {"NOTIFY_SOCKET": address})
