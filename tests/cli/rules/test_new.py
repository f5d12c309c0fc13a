"""`hookagent rules new`."""


def test_what_it_writes_is_a_rule_that_passes_its_own_test(ruled, order, run):
    code, out, err = run(
        "rules", "new", "--from", order, "--field", "amount", "--out", "rules/new.toml"
    )

    assert (code, out, err) == (0, "", "wrote rules/new.toml\n")
    assert "amount = 300" in (ruled / "rules" / "new.toml").read_text()
    code, out, _ = run("rules", "test")
    assert (code, out.splitlines()[-1]) == (0, "3 cases of 3 rules, 0 failed")


def test_it_never_overwrites(ruled, order, run):
    code, _, err = run("rules", "new", "--from", order, "--out", "rules/shop.toml")

    assert code == 2
    assert "is there already" in err


def test_a_field_the_event_lacks_is_named_with_the_nearest(ruled, order, run):
    code, _, err = run("rules", "new", "--from", order, "--field", "amout")

    assert code == 4
    assert "did you mean `amount`?" in err
    assert run("rules", "new", "--from", order, "--field", "a..b")[0] == 2


def test_without_fields_it_takes_the_whole_kind(ruled, order, run):
    _, out, _ = run("rules", "new", "--from", order, "--name", "mine", "--about", "All of them")

    assert "[rule.mine]" in out
    assert 'about = "All of them"' in out
    assert 'on = "shop/order.paid"' in out
    assert "when" not in out
