"""What commands are pointed at: standard input above all."""

import asyncio
import signal

import pytest

from hookagent.cli import targets
from hookagent.errors import UsageError


class Interrupted:
    """Standard input at which a person presses Ctrl-C."""

    def __init__(self) -> None:
        self.buffer = self

    def read(self, _size: int) -> bytes:
        signal.raise_signal(signal.SIGINT)
        return b"the wait went on"


def test_one_ctrl_c_ends_the_wait_for_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", Interrupted())
    before = signal.getsignal(signal.SIGINT)

    async def read() -> bytes:
        return targets.read_stdin()

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(read())
    assert signal.getsignal(signal.SIGINT) == before


class Endless:
    """Standard input that never ends, as `/dev/zero`."""

    def __init__(self) -> None:
        self.buffer = self

    def read(self, size: int) -> bytes:
        return bytes(size)


def test_standard_input_that_never_ends_is_refused(monkeypatch):
    monkeypatch.setattr("sys.stdin", Endless())
    monkeypatch.setattr(targets, "STDIN_MAX", 3 * targets.STDIN_PART)

    with pytest.raises(UsageError, match="larger than 3 MiB"):
        targets.read_stdin()
