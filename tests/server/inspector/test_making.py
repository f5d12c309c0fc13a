"""Adapter: rules are drafted, tried and saved, and none that could act on the outside."""

import pytest

from tests.whole.shop import ORDER, SMALL


async def test_a_rule_is_made_from_an_event_tried_and_saved(agent):
    event_id = await agent.settled(ORDER)
    await agent.settled(SMALL)

    _, made = await agent.do(
        "/api/rules/draft", {"event": event_id, "fields": ["status", "total"], "name": "paid"}
    )
    _, tried = await agent.do("/api/rules/try", {"text": made["text"], "event": event_id})
    status, saved = await agent.do("/api/rules/save", {"name": made["name"], "text": made["text"]})

    assert tried["events"] == 2
    assert [(r["rule"], r["fired"], r["latest"]) for r in tried["rules"]] == [
        ("paid", 1, [event_id])
    ]
    assert tried["explained"][0]["matches"] is True
    assert [case["passed"] for case in tried["cases"]] == [True]
    assert (status, saved["rules"]) == (201, ["paid"])
    text = (agent.agent.config.folder / saved["file"]).read_text()
    assert text == made["text"]


async def test_a_saved_rule_never_replaces_a_file_and_must_fit_the_others(agent):
    text = '[rule.x]\n[[rule.x.do]]\naction = "log"\ntext = "x"\n'

    assert (await agent.do("/api/rules/save", {"name": "x", "text": text}))[0] == 201
    again, answer = await agent.do(
        "/api/rules/save", {"name": "x", "text": text.replace("x]", "y]").replace("x.do", "y.do")}
    )
    taken, problems = await agent.do("/api/rules/save", {"name": "other", "text": text})

    assert again == 409, answer
    assert taken == 422
    assert problems["problems"][0]["line"] == 1


@pytest.mark.parametrize(
    "step",
    [
        'action = "exec"\nargv = ["id"]',
        'action = "http"\nurl = "http://evil.test"',
        'action = "forward"\nurl = "http://evil.test"',
        'action = "notify"\nurl = "http://evil.test"\ntext = "x"',
        'action = "log"\ntext = "${HOME}"',
    ],
)
async def test_what_acts_outside_or_names_variables_is_not_saved(agent, step):
    text = f"[rule.x]\nenabled = false\n[[rule.x.do]]\n{step}\n"

    status, _ = await agent.do("/api/rules/save", {"name": "x", "text": text})

    assert status == 422
    assert not (agent.agent.config.folder / "rules" / "x.toml").exists()


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "..", "a/b", ".hidden", "x\0y", "con\n"])
async def test_a_name_never_leaves_the_folder(agent, name):
    text = '[rule.x]\n[[rule.x.do]]\naction = "log"\ntext = "x"\n'

    _, saved = await agent.do("/api/rules/save", {"name": name, "text": text})

    path = (agent.agent.config.folder / saved["file"]).resolve()
    assert path.parent == (agent.agent.config.folder / "rules").resolve()


async def test_wrong_text_is_answered_with_every_place(agent):
    status, answer = await agent.do(
        "/api/rules/try", {"text": '[rule.x]\nwhne = 1\n[[rule.x.do]]\naction = "lgo"\n'}
    )

    assert status == 422
    assert [problem["line"] for problem in answer["problems"]] == [2, 4]


async def test_a_secret_header_is_not_written_into_a_rule(agent):
    event_id = (await agent.post(ORDER, **{"X-Api-Token": "very-secret"}))["id"]

    status, answer = await agent.do(
        "/api/rules/draft", {"event": event_id, "fields": ["@headers.x-api-token"]}
    )

    assert status == 422
    assert "very-secret" not in str(answer)
