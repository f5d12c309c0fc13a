"""Whole: a model's proposal waits for a person over a restart; catchup beside a running agent."""

import json

from tests.cli.test_catchup import serving as serving_api
from tests.cli.workbench import application
from tests.pipeline.catchup.provider import NOW, GitHubApi
from tests.whole.served import SECRET, lines, run, serving, write_project

RULES = """
[rule.triage]
on = "shop/issue"

[[rule.triage.do]]
action = "agent"
url = "{url}/v1"
model = "small"
prompt = "Sort this issue."
data = {{ title = "{{{{ title }}}}" }}

[[rule.triage.do.tools]]
name = "label"
about = "Label the issue"
action = "http"
options = {{ url = "{url}/label", json = {{ label = "{{{{ args.label }}}}" }} }}
arguments = {{ label = {{ enum = ["bug", "question"] }} }}

[[rule.triage.do]]
action = "file"
path = "answers.txt"
line = "{{{{ steps.agent.output.answer }}}}"
"""


def completion(message, **usage):
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    answer = {"model": "small", "choices": [choice], "usage": {"prompt_tokens": 9, **usage}}
    return 200, json.dumps(answer).encode()


def model(headers, body):
    """Want a tool first, then answer."""
    asked = json.loads(body)
    if "messages" not in asked:
        return 200, b"labelled"
    if any(message["role"] == "tool" for message in asked["messages"]):
        return completion({"content": "a bug"})
    function = {"name": "label", "arguments": '{"label": "bug"}'}
    call = {"id": "call_1", "type": "function", "function": function}
    return completion({"content": None, "tool_calls": [call]})


def test_a_proposal_waits_for_a_person_over_a_restart(tmp_path):
    with application() as endpoint:
        endpoint.answer = model
        project = write_project(tmp_path, rules=RULES.format(url=endpoint.url))
        with serving(project) as agent:
            agent.post({"id": "i-1", "type": "issue", "title": "It broke"})
            agent.wait_for("ran", rule="triage", state="waiting")
            agent.stop()
        (waiting,) = lines(run(project, "approve", "--json"))
        came = [path for _, path, _, _ in endpoint.came]
        assert run(project, "approve", waiting["run"]).returncode == 0
        with serving(project) as agent:
            agent.wait_for("ran", rule="triage", state="done")
            agent.stop()

        labels = [json.loads(body) for _, path, _, body in endpoint.came if path == "/label"]

    assert waiting["what"] == {"calls": [{"tool": "label", "arguments": {"label": "bug"}}]}
    assert came == ["/v1/chat/completions"]
    assert labels == [{"label": "bug"}]
    assert (project / "answers.txt").read_text() == "a bug\n"


MORE = f"""
[sources.github]
path = "/hooks/github"
scheme = "github"
secret = "{SECRET}"
"""


def test_catchup_beside_a_running_agent_goes_through_its_front_door(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "good")
    rules = '[rule.seen]\non = "github/issues.*"\n[[rule.seen.do]]\naction = "log"\ntext = "{{ @origin }}"\n'
    project = write_project(tmp_path, rules=rules, more=MORE)
    api = GitHubApi()
    api.add("g-1", {"action": "opened"}, at=NOW)
    with serving_api(api.answer) as url, serving(project) as agent:
        command = [
            "catchup",
            "github",
            "--repo",
            "octo/hello",
            "--since",
            "2020-01-01",
            "--api",
            url,
        ]
        done = run(project, *command, "--fetch", "--json")
        ran = agent.wait_for("ran", rule="seen")
        again = run(project, *command, "--json")
        agent.stop()

    assert done.returncode == 0, done.stderr
    assert lines(done) == [{"id": "g-1", "type": "issues.opened", "outcome": "accepted"}]
    assert ran["state"] == "done"
    assert lines(again) == []
