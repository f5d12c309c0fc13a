"""`hookagent rules check`."""

import json

from tests.cli.workbench import NOW


def test_valid_rules_are_counted(ruled, run):
    code, out, err = run("rules", "check")

    assert (code, out, err) == (0, "2 rules in 1 file: valid\n", "")


def test_every_problem_is_told_with_its_place_and_exits_3(ruled, run):
    (ruled / "rules" / "bad.toml").write_text('[rule.x]\nonn = "a"\ndo = [{ action = "lg" }]\n')

    code, out, err = run("rules", "check")

    assert (code, out) == (3, "")
    assert "rules/bad.toml:2:1: unknown key `onn`" in err
    assert "did you mean `on`?" in err
    assert "unknown action `lg`" in err


def test_problems_are_json_lines_too(ruled, run):
    (ruled / "rules" / "bad.toml").write_text(
        '[rule.x]\nonn = "a"\ndo = [{ action = "log", text = "x" }]\n'
    )

    code, out, _ = run("rules", "check", "--json")

    assert code == 3
    (line,) = map(json.loads, out.splitlines())
    assert (line["code"], line["file"], line["line"], line["column"]) == (
        "unknown-key",
        "rules/bad.toml",
        2,
        1,
    )


def test_a_variable_that_is_not_set_is_a_problem(ruled, run):
    (ruled / "rules" / "http.toml").write_text(
        'do = [{ action = "http", url = "${NOT_SET_ANYWHERE}" }]'
    )

    code, _, err = run("rules", "check")

    assert code == 3
    assert "NOT_SET_ANYWHERE" in err


def test_warnings_are_told_and_count_when_strict(ruled, run):
    (ruled / "rules" / "more.toml").write_text('on = "shpo"\ndo = [{ action = "log", text = "x" }]')

    code, out, err = run("rules", "check")

    assert (code, out) == (0, "3 rules in 2 files: valid, 1 warning\n")
    assert "there is no source `shpo`" in err
    assert run("rules", "check", "--strict")[0] == 1


def test_stored_events_say_which_fields_there_are(seed, run):
    (seed.folder / "rules").mkdir(exist_ok=True)
    (seed.folder / "rules" / "r.toml").write_text(
        'on = "shop/order"\nwhen = { amunt = 1 }\ndo = [{ action = "log", text = "x" }]'
    )
    seed.events(*({"id": n, "type": "order", "amount": n} for n in range(3)), at=NOW)

    code, _, err = run("rules", "check")

    assert code == 0
    assert "`amunt` was in none of 3 events" in err
    assert "did you mean `amount`?" in err
    assert "amunt" not in run("rules", "check", "--no-history")[2]
