"""The sections beside the sources: defaults, every key, every refusal."""

import pytest

from hookagent.config.model import TUNNELS

FULL = """
[server]
host = "::1"
port = 0
max_body = "2 MiB"
public_url = "https://hooks.example.test/"
trusted_proxies = ["10.0.0.0/8"]
max_connections = 10
max_bodies = 5
read_timeout = "5s"
keepalive = "20s"
queue = 100
failures_per_minute = 50
[inspector]
port = 1
enabled = false
[store]
url = "sqlite:////var/lib/x.db"
retention = "forever"
max_size = "1 GiB"
max_rejected = 10
[worker]
concurrency = 2
lease = "30s"
grace = "1s"
[tunnel]
provider = "ngrok"
domain = "x.example.test"
authtoken = "${TOKEN}"
binary = "/opt/ngrok"
start_timeout = "5s"
"""


def test_the_inspectors_token_is_a_secret_of_some_length(project):
    token = "0123456789abcdef0123456789abcdef"
    config = project.load('[inspector]\ntoken = "${T}"', {"T": token})

    assert config.inspector.token == token
    assert token not in repr(config)
    (problem,) = project.problems("[inspector]\ntoken = '0123'")
    assert problem.code == "short-token"


def test_every_key_is_read(project):
    config = project.load(FULL, {"TOKEN": "the-token"})

    assert config.warnings == ()
    server = config.server
    assert (server.host, server.port, server.max_body) == ("::1", 0, 2 * 1024 * 1024)
    assert server.public_url == "https://hooks.example.test"
    assert [str(one) for one in server.trusted_proxies] == ["10.0.0.0/8"]
    assert (server.max_connections, server.max_bodies, server.queue) == (10, 5, 100)
    assert (server.read_timeout_ms, server.keepalive_ms) == (5_000, 20_000)
    assert server.failures_per_minute == 50
    assert (config.inspector.port, config.inspector.enabled) == (1, False)
    assert config.inspector.host == "127.0.0.1"
    assert config.store.url == "sqlite:////var/lib/x.db"
    assert (config.store.retention_ms, config.store.max_bytes) == (None, 1024**3)
    assert config.store.max_rejected == 10
    assert (config.worker.concurrency, config.worker.lease_ms) == (2, 30_000)
    assert config.worker.grace_ms == 1_000
    assert config.tunnel.authtoken == "the-token"
    assert (config.tunnel.provider, config.tunnel.domain) == ("ngrok", "x.example.test")
    assert (config.tunnel.binary, config.tunnel.start_timeout_ms) == ("/opt/ngrok", 5_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[server]\nport = 65536",
            "2:8: error: `port` must be from 0 to 65535, not 65536 [out-of-range]",
        ),
        (
            "[server]\nport = true",
            "2:8: error: `port` must be a whole number, not true [wrong-type]",
        ),
        (
            '[server]\nkeepalive = "10ms"',
            "2:13: error: `keepalive` must be at least 100 ms [out-of-range]",
        ),
        (
            '[server]\nmax_body = "0 B"',
            "2:12: error: `max_body` must be at least 1 bytes [out-of-range]",
        ),
        (
            '[inspector]\nhost = "0.0.0.0"',
            (
                "2:1: error: the inspector is on the loopback address only [fixed-host]\n"
                "  hint: reach it from elsewhere with: ssh -L 8788:127.0.0.1:8788 HOST"
            ),
        ),
        (
            '[store]\nurl = "mysql://x/y"',
            (
                "2:7: error: `mysql://x/y` is not a store [bad-store]\n"
                "  hint: such as `sqlite:///.hookagent/hookagent.db`"
            ),
        ),
        (
            '[store]\nretention = "1s"',
            "2:13: error: `retention` must be at least 60000 ms [out-of-range]",
        ),
        (
            "[worker]\nconcurrency = 0",
            "2:15: error: `concurrency` must be from 1 to 1000, not 0 [out-of-range]",
        ),
        (
            '[tunnel]\nprovider = "command"',
            (
                "2:12: error: tunnel provider `command` needs `command` [missing-key]\n"
                '  hint: such as: command = ["my-tunnel", "--to", "{url}"]'
            ),
        ),
        (
            '[tunnel]\nauthtoken = "in-the-open"',
            (
                "2:13: warning: the tunnel's token stands here for everyone to read [plain-secret]\n"
                '  hint: move it to .env and write: authtoken = "${NGROK_AUTHTOKEN}"'
            ),
        ),
    ],
)
def test_each_problem_says_where_and_what_to_do(says, text, expected):
    assert says(text) == [f"hookagent.toml:{expected}"]


def test_a_relative_store_starts_at_the_file(project):
    config = project.load('[store]\nurl = "sqlite:///a b/c.db"')

    assert config.store.url == f"sqlite:///{project.folder}/a%20b/c.db"


def test_every_tunnel_that_can_be_made_can_be_chosen():
    from hookagent.tunnel.registry import TUNNELS as MADE

    assert set(TUNNELS) - {"none"} == set(MADE)
