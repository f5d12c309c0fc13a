"""`hookagent rules test`: cases, events, backtests."""

import json
from xml.etree import ElementTree as ET

import pytest

from tests.cli.workbench import NOW


def test_cases_are_run_and_counted(ruled, run):
    code, out, _ = run("rules", "test")

    assert code == 0
    assert out.splitlines()[-1] == "2 cases of 2 rules, 0 failed"


def test_a_failed_case_says_why_and_exits_1(ruled, run):
    (ruled / "rules" / "bad.toml").write_text(
        'when = { a = 1 }\ndo = [{ action = "log", text = "x" }]\ntest = [{ payload = { a = "1" }, about = "text" }]'
    )

    code, out, _ = run("rules", "test", "--junit", "report.xml")

    assert code == 1
    assert "rules/bad.toml:3: it was to fire, and did not" in out
    assert "of another type: text, not a number" in out
    suite = ET.fromstring((ruled / "report.xml").read_text())
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")


def test_what_an_action_sends_is_checked(ruled, run):
    (ruled / "rules" / "bad.toml").write_text(
        'do = [{ action = "log", text = "x" }]\ntest = [{ payload = 1, sends = { log = { text = "y" } } }]'
    )

    code, out, _ = run("rules", "test", "--json")

    failed = [line for line in map(json.loads, out.splitlines()) if not line["passed"]]
    assert code == 1
    assert failed[0]["problems"] == ['step `log`: `text` is "x", not "y"']


def test_a_case_may_name_a_file_beside_its_rule(ruled, run):
    (ruled / "rules" / "e.json").write_text('{"amount": 500}')
    (ruled / "rules" / "file.toml").write_text(
        'on = "shop"\nwhen = { amount = 500 }\ndo = [{ action = "log", text = "x" }]\ntest = [{ event = "e.json" }, { event = "no.json" }]'
    )

    code, out, _ = run("rules", "test", "--json")

    results = [line for line in map(json.loads, out.splitlines()) if line["rule"] == "file"]
    assert code == 1
    assert [line["passed"] for line in results] == [True, False]
    assert "no file" in results[1]["problems"][0]


def test_events_are_matched_in_order(ruled, order, run):
    code, out, err = run("rules", "test", order, "--rules", "rules", "--json")

    assert (code, err) == (0, "")
    assert json.loads(out) == {"event": "evt_a", "matched": ["big", "any"]}


def test_rules_can_be_tried_without_a_configuration(folder, run):
    (folder / "r").mkdir()
    (folder / "r" / "one.toml").write_text(
        'on = "x/y"\ndo = [{ action = "http", url = "${NOT_SET}" }]'
    )
    (folder / "events.jsonl").write_text(
        '{"id":"1","source":"x","type":"y","body":"{}"}\n{"id":"2","source":"x","type":"z","body":"{}"}\n'
    )

    code, out, _ = run("rules", "test", "events.jsonl", "--rules", "r", "--json")

    assert code == 0
    assert [json.loads(line) for line in out.splitlines()] == [
        {"event": "1", "matched": ["one"]},
        {"event": "2", "matched": []},
    ]


def test_a_known_provider_brings_its_types_along(folder, run):
    (folder / "r.toml").write_text('on = "github/push"\ndo = [{ action = "log", text = "x" }]')
    (folder / "e.json").write_text(
        '{"source":"github","headers":{"X-GitHub-Event":"push"},"body":"{}"}'
    )

    _, out, _ = run("rules", "test", "e.json", "--rules", "r.toml", "--json")

    assert json.loads(out)["matched"] == ["r"]


def test_what_the_actions_would_do_is_told_when_asked(ruled, order, run):
    _, out, _ = run("rules", "test", order, "--would")
    assert 'big.log: {"action":"log"' in out

    _, out, _ = run("rules", "test", order, "--would", "--json")
    assert json.loads(out)["would"]["big"]["log"]["text"] == "order 9"


def test_no_match_at_all_is_a_no(ruled, run):
    (ruled / "p.json").write_text('{"a": 1}')

    code, out, err = run("rules", "test", "p.json")

    assert (code, out) == (1, "p.json  no rule\n")
    assert "give --source NAME" in err
    assert run("rules", "test", "p.json", "--source", "shop", "--type", "order.x")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["no.json"], 4),
        (["evt_unknown"], 4),
        (["--rules", "nowhere"], 4),
        (["order.json", "--since", "1d"], 2),
        (["--since", "soon"], 2),
    ],
)
def test_what_is_asked_wrongly(ruled, order, run, arguments, code):
    assert run("rules", "test", *arguments)[0] == code


def test_stored_events_are_played_to_the_rules(seed, run):
    (seed.folder / "rules").mkdir(exist_ok=True)
    (seed.folder / "rules" / "r.toml").write_text(
        'on = "shop"\nwindow = { count = 2, within = "1h" }\ndo = [{ action = "log", text = "{{ window.count }} by {{ id }}" }]'
    )
    first, second, third = seed.events(*({"id": n, "type": "order"} for n in range(3)), at=NOW)

    code, out, _ = run("rules", "test", "--since", "2020-01-01", "--json")

    report = json.loads(out)
    assert (code, report["events"], report["unmatched"]) == (0, 3, 0)
    (rule,) = report["rules"]
    assert (rule["matched"], rule["fired"]) == (3, 1)
    assert rule["acts"][0]["event"] == second
    assert rule["acts"][0]["would"]["log"]["text"] == "2 by 1"
    code, out, _ = run("rules", "test", "--since", "2020-01-01", "--would")
    assert "2 by 1" in out
    assert run("rules", "test", first, third)[0] == 0
