"""`hookagent spec`: the command line as data."""

import json

from hookagent.cli.main import available
from hookagent.errors import ExitCode


def test_it_describes_what_there_is(run):
    code, out, err = run("spec")

    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [one["name"] for one in found["commands"]] == available()
    assert set(found["exit_codes"]) == {str(int(code)) for code in ExitCode}
    assert "github" in found["schemes"]
    assert {one["name"] for one in found["actions"]} >= {"log", "http", "file", "exec", "forward"}
    assert {"name": "server.port", "variable": "HOOKAGENT_SERVER_PORT"} in found["settings"]


def test_options_say_what_they_take(run):
    commands = {one["name"]: one for one in json.loads(run("spec")[1])["commands"]}

    options = {one["name"]: one for one in commands["init"]["options"]}
    assert options["port"]["flags"] == ["--port"]
    assert options["port"]["default"] == 8787
    assert options["provider"]["repeats"]
    assert options["json"]["type"] == "bool"
    assert [one["name"] for one in commands["schemes"]["arguments"]] == ["name"]


def test_every_option_has_help(run):
    def walk(command):
        yield from ((command["name"], one) for one in [*command["options"], *command["arguments"]])
        for below in command["commands"]:
            yield from walk(below)

    silent = [
        (name, one["name"])
        for command in json.loads(run("spec")[1])["commands"]
        for name, one in walk(command)
        if not one["help"]
    ]
    assert silent == []
