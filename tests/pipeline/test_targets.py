"""Adapter: the file that tells of targets."""

import asyncio

from hookagent.actions.circuit import Circuit, CircuitState
from hookagent.pipeline import targets
from hookagent.pipeline.targets import FILE, tell, told


async def test_what_is_open_is_told_and_gone_with_the_agent(tmp_path, monkeypatch):
    monkeypatch.setattr(targets, "EVERY_S", 0.01)
    states: dict[str, Circuit] = {}
    task = asyncio.ensure_future(tell(tmp_path, lambda: states))
    states["http://a.test:80"] = Circuit(state=CircuitState.OPEN, failures=10, until=7)
    while not told(tmp_path):  # noqa: ASYNC110 - it is in a file
        await asyncio.sleep(0.01)

    (found,) = told(tmp_path)
    mode = (tmp_path / FILE).stat().st_mode & 0o777
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert (found.target, found.state, found.failures, found.until) == (
        "http://a.test:80", "open", 10, 7,
    )  # fmt: skip
    assert mode == 0o600
    assert told(tmp_path) == []


def test_a_broken_file_tells_nothing(tmp_path):
    (tmp_path / FILE).write_text("{")

    assert told(tmp_path) == []
