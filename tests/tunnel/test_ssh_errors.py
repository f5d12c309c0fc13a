"""Pure but for one look at the server: errors of ssh as sentences."""

import asyncssh
import pytest

from hookagent.tunnel.ssh_errors import explain
from hookagent.tunnel.ssh_hosts import Destination, Service

NOWHERE = Destination(
    service=Service.OWN, host="127.0.0.1", port=9, user="secret-user", bind="", remote_port=7
)


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (asyncssh.HostKeyNotVerifiable("no"), "unknown-host-key", False),
        (asyncssh.PermissionDenied("no"), "bad-login", False),
        (asyncssh.KeyImportError("no"), "bad-key", False),
        (asyncssh.ChannelListenError("no"), "port-refused", True),
        (asyncssh.ConnectionLost("no"), "no-network", True),
        (TimeoutError(), "start-timeout", True),
        (OSError("unreachable"), "no-network", True),
    ],
)
async def test_every_error_has_a_code_and_a_hint(error, code, retryable):
    down = await explain(error, NOWHERE)

    assert (down.code, down.retryable) == (code, retryable)
    assert down.hint
    assert "secret-user" not in f"{down.message}{down.hint}"


async def test_a_servers_own_words_are_kept_to_one_line():
    down = await explain(OSError("a\nb" * 1000), NOWHERE)

    assert "\n" not in down.message
    assert len(down.message) < 300
