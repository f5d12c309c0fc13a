"""`hookagent rules explain`."""

import json


def test_each_condition_is_shown(ruled, order, run):
    code, out, _ = run("rules", "explain", "big", order)

    assert code == 0
    assert out.splitlines() == [
        "big  matches  rules/shop.toml:2",
        "  ✓ on shop/order.*",
        "  ✓ amount gte 200  is 300",
    ]


def test_without_a_rule_all_are_shown_the_nearest_first(ruled, run):
    (ruled / "e.json").write_text(
        '{"source":"shop","type":"order.paid","body":"{\\"amount\\":\\"300\\"}"}'
    )

    code, out, _ = run("rules", "explain", "e.json", "--json")

    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(line["rule"], line["matches"], line["missed"]) for line in lines] == [
        ("any", True, 0),
        ("big", False, 1),
    ]
    assert lines[1]["when"][0]["actual"] == ["300"]


def test_no_match_is_a_no(ruled, order, run):
    (ruled / "other.json").write_text('{"source":"shop","type":"x","body":"{}"}')

    assert run("rules", "explain", "big", "other.json")[0] == 1


def test_an_unknown_rule_is_named_with_the_nearest(ruled, order, run):
    code, _, err = run("rules", "explain", "bigg", order)

    assert code == 4
    assert "did you mean `big`?" in err


def test_a_rule_without_an_event_asks_for_one(ruled, run):
    code, _, err = run("rules", "explain", "big")

    assert code == 2
    assert "`big` is a rule: which event" in err
    assert "hint: hookagent rules explain big EVENT" in err


def test_a_payload_cannot_steer_the_terminal(ruled, run):
    (ruled / "evil.json").write_text(
        '{"source":"shop","type":"order.x","body":"{\\"amount\\":\\"\\\\u001b[2J\\"}"}'
    )

    _, out, _ = run("rules", "explain", "evil.json")

    assert "\x1b" not in out
