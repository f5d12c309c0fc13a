"""Pure: the manual names every tunnel and every code."""

import re
from pathlib import Path

import pytest

import hookagent.tunnel
from hookagent.tunnel.ngrok_errors import KNOWN
from hookagent.tunnel.registry import TUNNELS

MANUAL = (Path(__file__).parents[2] / "docs" / "tunnels.md").read_text(encoding="utf-8")
SOURCES = Path(hookagent.tunnel.__file__).parent.glob("*.py")
CODES = {
    code for file in SOURCES for code in re.findall(r'\bcode="([a-z-]+)"', file.read_text("utf-8"))
} - {"ready"}


@pytest.mark.parametrize("name", TUNNELS)
def test_every_tunnel_is_in_the_manual(name):
    assert f"`{name}`" in MANUAL


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_in_the_manual(code):
    assert f"`{code}`" in MANUAL


@pytest.mark.parametrize("code", sorted(KNOWN))
def test_every_code_of_ngroks_is_in_the_manual(code):
    assert re.search(rf"`(err-ngrok)?-{code}`", MANUAL)
