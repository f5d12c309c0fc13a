"""Whole: an agent tells its manager when it is ready, and reads its rules again on SIGHUP."""

import signal
import socket

from tests.whole.served import WAIT_S, serving, write_project


def test_readiness_reload_and_end_are_told_to_the_manager(tmp_path):
    folder = write_project(tmp_path / "p")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "n"))
        manager.settimeout(WAIT_S)
        with serving(folder, environ={"NOTIFY_SOCKET": str(tmp_path / "n")}) as agent:
            assert manager.recv(100) == b"READY=1"
            loaded = sum(one["event"] == "rules" for one in agent.seen)
            agent.process.send_signal(signal.SIGHUP)
            while sum(one["event"] == "rules" for one in agent.seen) < max(loaded, 1) + 1:
                agent.seen.append(agent.news.get(timeout=WAIT_S))
            assert agent.process.poll() is None
            assert agent.stop() == 0
            assert manager.recv(100) == b"STOPPING=1"
