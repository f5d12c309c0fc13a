"""T15: hostile values in every place a template can put them; a canary file tells of a success."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tests.whole.served import run, serving, write_project

VALUES = [
    "$(touch canary)", "`touch canary`", "; touch canary", "| touch canary", "&& touch canary",
    "\ntouch canary\n", "'; touch canary; '", '"; touch canary; "', "$IFS$(touch${IFS}canary)",
    "--output=canary", "-ocanary", "@/etc/passwd", "-", "--", "%0atouch canary", "${API_KEY}",
    "{{ secret }}", "{{ id }}", "{{ __class__ }}", "{{ ''.__class__.__mro__ }}", "{payload}",
    "{0.__class__}", "{x:>1000000000}", "%(id)s", "%s%s%n", "{% import os %}", "#{7*7}", "${7*7}",
    "<%= 7*7 %>", "../../canary", "/canary", "canary\0.txt", "..\\canary", "\u202etxt.canary",
    "x\r\nX-Evil: 1", "\x1b]0;canary\x07", "a/b?c=d&e#f", "😀", "\ufeff", "a" * 200_000,
    "https://evil.example/", "[link=https://evil.example]x[/link]", "<!channel> <https://evil|x>",
]  # fmt: skip
SHOW = "import json,sys; open('argv.jsonl','a').write(json.dumps(sys.argv[1:])+chr(10))"
RULES = f"""
[rule.argument]
[[rule.argument.do]]
action = "exec"
command = [{json.dumps(sys.executable)}, "-c", {json.dumps(SHOW)}, "x-{{{{ v }}}}", "--", "{{{{ v }}}}"]
retry = {{ attempts = 1 }}
[rule.option]
[[rule.option.do]]
action = "exec"
command = [{json.dumps(sys.executable)}, "-c", {json.dumps(SHOW.replace("argv", "options"))}, "{{{{ v }}}}"]
retry = {{ attempts = 1 }}
[rule.web]
[[rule.web.do]]
action = "http"
url = "http://127.0.0.1:PORT/at/{{{{ v | truncate(200) }}}}?q={{{{ v | truncate(200) }}}}"
headers = {{ X-Value = "{{{{ v | truncate(200) }}}}" }}
json = {{ text = "{{{{ v }}}}", whole = "say {{{{ v }}}}" }}
retry = {{ attempts = 1 }}
[rule.file]
[[rule.file.do]]
action = "file"
path = "out/{{{{ v | truncate(50) }}}}.txt"
line = "{{{{ v }}}}"
retry = {{ attempts = 1 }}
[rule.said]
[[rule.said.do]]
action = "log"
text = "{{{{ v }}}}"
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Send every value through every sink once; return the project, the requests, the news."""
    asked = []

    class Trap(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.path, dict(self.headers.items()), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Trap)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    rules = RULES.replace("PORT", str(server.server_port))
    project = write_project(tmp_path_factory.mktemp("t15") / "inner" / "project", rules=rules)
    (project / ".env").write_text("API_KEY=canary-key-0123456789abcdef\n")
    (project / ".env").chmod(0o600)
    with serving(project) as agent:
        ids = [agent.post({"id": str(n), "v": v})[1]["id"] for n, v in enumerate(VALUES)]
        for name in ("argument", "option", "web", "file", "said"):
            for event in ids:
                agent.wait_for("ran", rule=name, id=event)
        agent.stop()
    server.shutdown()
    thread.join()
    server.server_close()
    return project, asked, agent.seen


def test_t15_no_value_made_a_canary(world):
    project, *_ = world
    outside = project.parent.parent

    assert [file for file in outside.rglob("*canary*") if file.parent != project / "out"] == []
    assert not run(project, "inspect", "--json", "--limit", "1").returncode


def test_t15_an_argument_arrives_as_it_is_or_not_at_all(world):
    seen = [json.loads(line) for line in (world[0] / "argv.jsonl").read_text().splitlines()]
    runs = [one for one in world[2] if one["event"] == "ran" and one["rule"] == "argument"]
    refused = [f"{one['state']}: {one['error'][:200]}" for one in runs if one["state"] != "done"]

    cannot = [v for v in VALUES if "\0" in v or len(v) >= 131_071]
    assert len(refused) == len(cannot), "; ".join(refused)
    assert {v for _, _, v in seen} == set(VALUES) - set(cannot)
    assert all(glued == f"x-{v}" and dashes == "--" for glued, dashes, v in seen)


def test_t15_no_value_becomes_an_option(world):
    seen = [json.loads(line) for line in (world[0] / "options.jsonl").read_text().splitlines()]

    assert not [one for (one,) in seen if one[:1] in {"-", "@"}]


def test_t15_a_url_keeps_its_path_and_a_header_its_line(world):
    asked = world[1]

    assert len(asked) > len(VALUES) / 2
    for path, headers, body in asked:
        assert path.startswith("/at/")
        assert path.count("/") == 2
        assert path.count("?") == 1
        assert "&" not in path
        assert "X-Evil" not in headers
        document = json.loads(body)
        assert document["text"] in VALUES
        assert document["whole"] == f"say {document['text']}"


def test_t15_nothing_is_read_twice(world):
    project, asked, seen = world
    texts = [json.loads(body)["text"] for *_, body in asked]

    assert "{{ secret }}" in texts
    assert "${API_KEY}" in texts
    everything = json.dumps([[p, h, b.decode()] for p, h, b in asked]) + json.dumps(seen)
    assert "canary-key" not in everything
    assert not (project / "out" / "canary-key").exists()


def test_t15_a_file_name_names_no_folder(world):
    folder = world[0] / "out"

    assert all(file.is_file() and file.parent == folder for file in folder.rglob("*"))
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in folder.iterdir())


def test_t15_what_an_action_logs_steers_no_terminal(world):
    said = [one["line"] for one in world[2] if one["event"] == "logged"]

    assert len(said) >= len(VALUES) - 1  # one is longer than a template may become
    assert not [
        character
        for character in "".join(said)
        if character not in "\n\t" and (ord(character) < 32 or 0x7F <= ord(character) < 0xA0)
    ]
