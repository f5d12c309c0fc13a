"""Adapter: the clients' files, written without touching anything else in them."""

import json
import tomllib

import pytest

from hookagent.errors import AnswerNo, NotFound
from hookagent.mcp.setup import CLIENTS, plan, write

COMMAND = ["hookagent", "mcp", "--config", "/project/hookagent.toml"]


def planned(client, tmp_path):
    return plan(client, COMMAND, folder=tmp_path / "project", home=tmp_path / "home")


@pytest.mark.parametrize("client", sorted(CLIENTS))
def test_a_fresh_file_starts_the_server(client, tmp_path):
    change = planned(client, tmp_path)
    write(change)

    text = change.path.read_text()
    found = tomllib.loads(text) if change.path.suffix == ".toml" else json.loads(text)
    (servers,) = found.values()
    assert servers["hookagent"]["command"] == "hookagent"
    assert servers["hookagent"]["args"] == COMMAND[1:]
    assert planned(client, tmp_path).is_there


def test_what_else_is_there_stays(tmp_path):
    path = tmp_path / "project" / ".mcp.json"
    path.parent.mkdir()
    path.write_text('{"mcpServers": {"other": {"command": "x"}}, "more": 1}')

    write(planned("claude", tmp_path))

    found = json.loads(path.read_text())
    assert found["mcpServers"]["other"] == {"command": "x"}
    assert found["more"] == 1


def test_comments_of_a_toml_file_stay(tmp_path):
    path = tmp_path / "home" / ".codex" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('# mine\nmodel = "x"\n')

    write(planned("codex", tmp_path))

    assert path.read_text().startswith('# mine\nmodel = "x"\n\n[mcp_servers.hookagent]\n')


@pytest.mark.parametrize(
    ("client", "file", "text"),
    [
        ("vscode", "project/.vscode/mcp.json", '{\n  // a comment\n  "servers": {}\n}'),
        ("claude", "project/.mcp.json", "[]"),
        ("codex", "home/.codex/config.toml", "not toml"),
        ("codex", "home/.codex/config.toml", '[mcp_servers.hookagent]\ncommand = "other"\n'),
    ],
)
def test_a_file_that_cannot_be_changed_safely_is_left_alone(client, file, text, tmp_path):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text)

    with pytest.raises(AnswerNo) as caught:
        planned(client, tmp_path)

    assert "hookagent" in (caught.value.hint or "")
    assert path.read_text() == text


def test_an_unknown_client_is_not_found(tmp_path):
    with pytest.raises(NotFound, match="no client `emacs`"):
        planned("emacs", tmp_path)
