"""Adapter: a running agent is found by its file, a gone one is not."""

import os
import stat

from hookagent.pipeline.presence import announce, listener_url, running


def test_a_running_agent_is_found(tmp_path):
    path = announce(tmp_path / "state", "http://127.0.0.1:5")

    found = running(tmp_path / "state")
    assert found is not None
    assert found.pid == os.getpid()
    assert listener_url(tmp_path / "state", "127.0.0.1", 8787) == "http://127.0.0.1:5"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_of_a_process_that_is_gone_or_damaged_says_nothing(tmp_path):
    (tmp_path / "agent.json").write_text('{"pid":999999999,"listener":"http://127.0.0.1:5"}')
    assert listener_url(tmp_path, "0.0.0.0", 8787) == "http://127.0.0.1:8787"

    (tmp_path / "agent.json").write_text("{")
    assert running(tmp_path) is None
