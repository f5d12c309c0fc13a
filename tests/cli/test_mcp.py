"""`hookagent mcp setup`, and what is said where the SDK is missing."""

import importlib.util
import json

from hookagent.cli import mcp


def test_setup_writes_the_projects_file_once(configured, run):
    code, out, _ = run("mcp", "setup", "claude")

    written = json.loads((configured / ".mcp.json").read_text())
    arguments = written["mcpServers"]["hookagent"]["args"]
    assert code == 0
    assert "written" in out
    assert arguments[-3:] == ["mcp", "--config", str(configured / "hookagent.toml")]
    assert "is as it should be" in run("mcp", "setup", "claude")[1]


def test_a_dry_run_prints_and_writes_nothing(configured, run):
    code, out, err = run("mcp", "setup", "vscode", "--dry-run", "--channel")

    assert code == 0
    assert "--channel" in json.loads(out)["servers"]["hookagent"]["args"]
    assert ".vscode/mcp.json" in err
    assert not (configured / ".vscode").exists()


def test_an_unknown_client_is_4(configured, run):
    code, _, err = run("mcp", "setup", "clade")

    assert code == 4
    assert "did you mean `claude`?" in err


def test_without_the_sdk_it_says_how_to_get_it(configured, run, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(mcp, "find_spec", lambda name: None if name == "mcp" else real(name))

    code, _, err = run("mcp")

    assert code == 5
    assert "pip install 'hookagent[mcp]'" in err
