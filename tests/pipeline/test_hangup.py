"""SIGHUP means reload, again and again, until that is over."""

import asyncio
import os
import signal

import pytest

from hookagent.pipeline.hangup import on_hangup
from tests.patience import PATIENCE_S


@pytest.fixture
def headless(monkeypatch):
    monkeypatch.setattr(os, "isatty", lambda _descriptor: False)


async def test_each_hangup_is_one_reload(headless):
    reloaded: asyncio.Queue[int] = asyncio.Queue()

    async def reload() -> None:
        reloaded.put_nowait(1)

    end = on_hangup(reload)
    try:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGHUP)
            assert await asyncio.wait_for(reloaded.get(), PATIENCE_S) == 1
    finally:
        end()

    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


async def test_a_terminal_that_hangs_up_still_ends_the_program(monkeypatch):
    monkeypatch.setattr(os, "isatty", lambda _descriptor: True)
    on_hangup(lambda: asyncio.sleep(0))()

    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
