"""`hookagent serve` as a person at a terminal or a script sees it; the rest is in tests/whole."""

import http.client
import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from tests.patience import PATIENCE_S
from tests.ports import free_port
from tests.whole.served import SECRET, signature, write_project


@contextmanager
def serving(folder, *arguments):
    """Run `serve` and give its process; the listener's port is free."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hookagent", "serve", "--port", "0", "--no-inspector", *arguments],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)


def post(url, body, secret=SECRET):
    """Send a signed body; return the status."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_S)
    try:
        connection.request("POST", parts.path, body, {"X-Shop-Signature": signature(body, secret)})
        return connection.getresponse().status
    finally:
        connection.close()


def test_in_a_pipe_each_event_is_a_line_at_once(tmp_path):
    project = write_project(tmp_path)
    with serving(project) as agent:
        ready = agent.stdout.readline()
        url = ready.split()[-1]
        shown = [agent.stdout.readline(), agent.stdout.readline()]
        post(f"{url}/hooks/shop", b'{"id": "1", "type": "order.paid"}')
        accepted = agent.stdout.readline()
        post(f"{url}/hooks/shop", b'{"id": "2"}', secret="another-secret-entirely-wrong")
        refused, why = agent.stdout.readline(), agent.stdout.readline()

    assert ready.startswith("ready  listening on http://127.0.0.1:")
    assert shown[0] == f"       shop  {url}/hooks/shop\n"
    assert "try it" not in "".join(shown)
    assert "  200  shop  order.paid  evt_" in accepted
    assert accepted.endswith("  no rule\n")
    assert "  403  shop  rej_" in refused
    assert why.startswith("          why: hookagent verify rej_")


def test_quiet_says_nothing_while_all_is_well(tmp_path):
    project = write_project(tmp_path)
    port = free_port()
    with serving(project, "--output", "quiet", "--port", str(port)) as agent:
        wait_for(port)
        assert post(f"http://127.0.0.1:{port}/hooks/shop", b'{"id": "1"}') == 200
        agent.send_signal(signal.SIGINT)
        out, err = agent.communicate(timeout=PATIENCE_S)

    assert (agent.returncode, out, err) == (0, "", "")


def wait_for(port):
    import socket
    import time

    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return


def test_the_first_json_line_is_the_ready_line(tmp_path):
    project = write_project(tmp_path)
    with serving(project, "--output", "json") as agent:
        ready = json.loads(agent.stdout.readline())

    assert ready["event"] == "ready"
    assert ready["listener"].startswith("http://127.0.0.1:")
    assert (ready["inspector"], ready["public"]) == (None, None)


def test_it_stops_while_its_tunnel_cannot_be_reached(tmp_path):
    relay = f'[tunnel]\nprovider = "smee"\nchannel = "http://127.0.0.1:{free_port()}/channel"\n'
    project = write_project(tmp_path, more=relay)
    with serving(project, "--output", "json") as agent:
        told = map(json.loads, agent.stdout)
        lost = next(one for one in told if one.get("state") == "reconnecting")
        agent.send_signal(signal.SIGTERM)
        out, err = agent.communicate(timeout=PATIENCE_S)

    assert (agent.returncode, err) == (0, "")
    assert lost["code"] == "connection-lost"
    assert json.loads(out.splitlines()[-1])["event"] == "stopped"


@pytest.mark.parametrize("arguments", [["--output", "loud"], ["--port", "99999"]])
def test_wrong_usage_is_said_before_anything_starts(run, configured, arguments):
    assert run("serve", *arguments)[0] == 2


def test_a_wrong_configuration_is_exit_code_3(run, folder):
    (folder / "hookagent.toml").write_text("[server]\nprot = 1\n")

    code, _, err = run("serve")

    assert code == 3
    assert "hookagent.toml:2:1" in err
