"""Pure: every tunnel by its name."""

import subprocess
import sys

import pytest

from hookagent.errors import NotFound
from hookagent.tunnel.base import Kind, TunnelOptions
from hookagent.tunnel.registry import TUNNELS, make


@pytest.mark.parametrize("name", TUNNELS)
def test_every_tunnel_knows_its_name_and_what_it_does_to_bytes(name):
    tunnel = make(name, TunnelOptions(provider=name))

    assert tunnel.name == name
    assert tunnel.kind in Kind
    assert tunnel.preserves_bytes is (name != "smee")
    assert isinstance(tunnel.stable_url, bool)


@pytest.mark.parametrize("name", TUNNELS)
async def test_every_tunnel_can_be_checked_and_stopped_without_being_started(name, tmp_path):
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    tunnel = make(name, TunnelOptions(provider=name, environ=environ))

    readiness = await tunnel.check()
    await tunnel.stop()

    assert readiness.detail
    assert readiness.ready or readiness.hint


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(NotFound, match="ngrock") as refused:
        make("ngrock", TunnelOptions(provider="ngrock"))

    assert refused.value.hint == "did you mean `ngrok`?"


def test_the_registry_loads_no_heavy_library():
    code = (
        "import sys, hookagent.tunnel.registry, hookagent.tunnel.opening;"
        "print([name for name in ('aiohttp', 'pyngrok', 'asyncssh', 'yaml') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
