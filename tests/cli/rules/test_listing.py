"""`hookagent rules list`."""

import json


def test_rules_are_listed_in_their_order(ruled, run):
    code, out, _ = run("rules", "list")

    assert code == 0
    assert [line.split("\t")[:3] for line in out.splitlines()] == [
        ["big", "shop/order.*", "log"],
        ["any", "shop", "log"],
    ]


def test_a_rule_is_a_json_line(ruled, run):
    _, out, _ = run("rules", "list", "--json")

    first = json.loads(out.splitlines()[0])
    assert (first["rule"], first["on"], first["tests"], first["file"]) == (
        "big",
        ["shop/order.*"],
        2,
        "rules/shop.toml",
    )


def test_no_rules_say_how_to_get_one(configured, run):
    code, _, err = run("rules", "list")

    assert code == 0
    assert "hookagent rules new" in err
