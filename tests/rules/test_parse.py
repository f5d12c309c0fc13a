"""Rule files: what is read, and every problem with its place and what to do."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.errors import ConfigError
from hookagent.rules.parse import RULE_KEYS, read_rules
from tests.rules.events import rule_of, rules_of

DO = '[[rule.r.do]]\naction = "log"'


def problems_of(*texts):
    files = [(f"f{place}.toml", text) for place, text in enumerate(texts)]
    with pytest.raises(ConfigError) as raised:
        read_rules(files)
    return raised.value.problems


def problem_of(text):
    problems = problems_of(text)
    assert len(problems) == 1, problems
    return problems[0]


WRONG = [
    # What stands on line 2 of [rule.r], code, column, hint.
    ("when = { a.b = 1 }", "bare-dotted-key", 10, 'quote the whole path: "a.b" = …'),
    ("when.a.prefix = 'x'", "bare-dotted-key", 6, "write: a = { prefix = … }"),
    ("when = { a = { prefxi = 'x' } }", "unknown-operator", 16, "did you mean `prefix`?"),
    ("when = { a = { zzz = 'x' } }", "unknown-operator", 16, 'a field of the payload is one quoted path: "a.zzz" = …'),
    ("when = { a = {} }", "empty-table", 14, None),
    ("when = { a = [] }", "wrong-argument", 14, "remove the condition"),
    ("when = { a = [1, [2]] }", "wrong-argument", 14, "any of a list: `in = […]`"),
    ("when = { a = 2026-01-01 }", "wrong-argument", 14, 'put it in quotes: "2026-01-01"'),
    ("when = { a = nan }", "wrong-argument", 14, None),
    ("when = { 'a..b' = 1 }", "wrong-path", 10, None),
    ("when = { '@heders.x' = 1 }", "wrong-path", 10, "did you mean `headers`?"),
    ("when = { a = { lt = true } }", "wrong-argument", 21, None),
    ("when = { a = { lt = 2026-01-01 } }", "wrong-argument", 21, "`before` and `after` compare times"),
    ("when = { a = { contains = '' } }", "wrong-argument", 27, "did you mean `exists = true`?"),
    ("when = { a = { contains = 1 } }", "wrong-argument", 27, None),
    ("when = { a = { exists = 1 } }", "wrong-argument", 25, None),
    ("when = { a = { between = [1] } }", "wrong-argument", 26, None),
    ("when = { a = { between = [2, 1] } }", "wrong-argument", 26, "the lowest comes first"),
    ("when = { a = { between = [1, 'x'] } }", "wrong-argument", 26, None),
    ("when = { a = { cidr = '10.0.0.1/8' } }", "wrong-argument", 23, 'write "10.0.0.0/8"'),
    ("when = { a = { cidr = 'x' } }", "wrong-argument", 23, 'such as "192.0.2.0/24" or "2001:db8::/32"'),
    ("when = { a = { before = 'soon' } }", "wrong-argument", 25, 'such as "2026-01-31T12:00:00Z", "now", "now+3d" or "now-90m"'),
    ("when = { a = { before = 'now+3' } }", "wrong-argument", 25, 'such as "2026-01-31T12:00:00Z", "now", "now+3d" or "now-90m"'),
    ("when = { a = { type = 'strin' } }", "wrong-argument", 23, "did you mean `string`?"),
    ("when = { a = { len = 'x' } }", "wrong-argument", 22, "such as `len = 2` or `len = { gte = 2 }`"),
    ("when = { a = { glob = '[a' } }", "wrong-pattern", 23, "put a backslash before a literal `[`, `*` or `?`"),
    ("when = { a = { field = 1 } }", "wrong-type", 24, None),
    ("when = { a = { lt = { field = 'b..c' } } }", "wrong-path", 23, None),
    ("when = { a = { inot = { prefix = 'x' } } }", "wrong-argument", 23, "write: not = { icontains = … }, with `i` before the operator within"),
    ("when = { a = { changed = 1 } }", "wrong-argument", 26, None),
    ("when = { '@type' = { changed = true } }", "wrong-argument", 32, 'name the former value: { changed = "path.of.it" }'),
    ("when = { a = { item = { type = 'x' } } }", "wrong-argument", 32, "known: `array`, `boolean`, `integer`, `null`, `number`, `object`, `string`"),
    ("when = 1", "wrong-type", 8, None),
    ("any = [{}]", "empty-group", 8, None),
    ("use = 'x'", "unknown-condition", 7, "write [condition.x]"),
    ("on = 'github/'", "wrong-pattern", 6, 'such as "github/push", "github" or "*/order.*"'),
    ("on = []", "empty-list", 6, "leave it out: any event"),
    ("expr = 'a <'", "wrong-expression", 8, None),
    ("expr = ['a', 'a < b < c']", "wrong-expression", 14, "join them: `a < b and b < c`"),
    ("during = 'x'", "unknown-calendar", 10, "write [calendar.x] with its hours and days"),
    ("priorty = 1", "unknown-key", 1, "did you mean `priority`?"),
    ("enabled = 1", "wrong-type", 11, None),
    ("concurrency = 0", "out-of-range", 15, None),
    ("timeout = '5 parsecs'", "wrong-duration", 11, "such as 250ms, 90s, 10m, 1h30m or 7d"),
    ("timeout = ''", "wrong-duration", 11, "such as 250ms, 90s, 10m, 1h30m or 7d"),
    ("retry = { atempts = 3 }", "unknown-key", 11, "did you mean `attempts`?"),
    ("retry = { attempts = 0 }", "out-of-range", 22, None),
    ("on_interrupt = 'hold on'", "unknown-value", 16, "did you mean `hold`?"),
    ("ordered_by = 'a..b'", "wrong-path", 1, None),
    ("test = [{ fires = true }]", "wrong-test", 9, "payload = { … }"),
    ("test = [{ payload = 1, recieved_at = '' }]", "unknown-key", 24, "did you mean `received_at`?"),
    ("window = { count = 5 }", "missing-key", 10, 'add: within = "…"'),
    ("window = { within = '1m' }", "missing-key", 10, None),
    ("throttle = { once = '1m', per = 'a' }", "unknown-key", 27, "known: `by`, `once`"),
    ("debounce = { quiet = '1m', at-most = '1s' }", "contradiction", 38, None),
    ("sequence = { within = '1m' }", "wrong-sequence", 12, 'then = { on = "SOURCE/TYPE" }'),
    ("sequence = { within = '1m', then = {} }", "wrong-sequence", 36, "give it `on`"),
    ("ordered_by = 'a'\ndebounce = { quiet = '1m' }", "contradiction", 1, "time lets it fire, not an event whose place in the order could be kept"),
    ("absence = { grace = '1m' }", "wrong-absence", 11, 'after = "26h", or at = "06:00"'),
]  # fmt: skip


@pytest.mark.parametrize(("line", "code", "column", "hint"), WRONG, ids=[row[0] for row in WRONG])
def test_a_problem_has_its_place_and_its_hint(line, code, column, hint):
    problem = problem_of(f"[rule.r]\n{line}\n{DO}\n")

    assert (problem.code, problem.file, problem.line) == (code, "f0.toml", 2)
    assert (problem.column, problem.hint) == (column, hint)
    assert not problem.message.endswith(".")


def test_lookaround_is_refused_with_a_hint():
    problem = problem_of(f"[rule.r]\nwhen = {{ a = {{ regex = '(?=x)' }} }}\n{DO}")

    assert problem.code == "wrong-pattern"
    assert "RE2" in problem.hint


def test_all_problems_of_all_files_are_told_at_once_in_order():
    problems = problems_of(
        f"[rule.r]\npriorty = 1\nwhen = {{ a.b = 1 }}\n{DO}",
        "[rule.s]\non = 1\n",
        "not toml",
    )

    assert [(it.file, it.line, it.code) for it in problems] == [
        ("f0.toml", 2, "unknown-key"),
        ("f0.toml", 3, "bare-dotted-key"),
        ("f1.toml", 1, "no-action"),
        ("f1.toml", 2, "wrong-type"),
        ("f2.toml", 1, "toml-syntax"),
    ]


def test_names_are_taken_once_in_all_files():
    text = f"[rule.r]\n{DO}\n[condition.c]\na = 1\n[calendar.k]\n"

    assert [it.code for it in problems_of(text, text)] == ["name-taken"] * 3


def test_a_name_is_one_word():
    assert problem_of('[rule."a b"]\ndo = [{ action = "log" }]').code == "wrong-name"


def test_only_throttle_goes_together_with_another():
    both = 'window = { count = 2, within = "1m" }\nthrottle = { once = "1h" }'

    assert rule_of(both).throttle is not None
    assert (
        problem_of(f"[rule.r]\n{both}\nabsence = {{ after = '1h' }}\n{DO}").code == "contradiction"
    )


def test_one_rule_may_stand_at_the_top_of_its_file():
    rules = read_rules([("rules/greet.toml", 'on = "github"\ndo = [{ action = "log" }]')])

    assert [(rule.name, rule.line) for rule in rules.rules] == [("greet", 1)]


def test_a_file_is_one_rule_or_many():
    assert problem_of(f'on = "github"\n[rule.r]\n{DO}').code == "mixed-file"


def test_a_rule_does_something():
    assert problem_of("[rule.r]\non = 'github'").hint == "add [[rule.r.do]] with an action"
    assert problem_of("on = 'github'").hint == "add [[do]] with an action"


def test_an_unknown_table_is_named():
    assert problem_of(f"[rul.r]\n[rule.r]\n{DO}").hint == "did you mean `rule`?"


def test_the_version_of_a_set_changes_with_its_text_and_of_a_rule_with_its_steps():
    one = rules_of(f"[rule.r]\n{DO}")
    two = rules_of(f"\n[rule.r]\nabout = 'x'\n{DO}")
    other = rules_of(f"[rule.r]\n{DO}\nlevel = 'info'")

    assert one.version != two.version
    assert one.rules[0].version == two.rules[0].version != other.rules[0].version


def test_the_actions_floor_judges_the_options_of_each_step():
    seen = []

    def check(action, table):
        seen.append((action, table.text("url")))
        table.finish()

    with pytest.raises(ConfigError, match="unknown key `ulr`"):
        read_rules(
            [
                (
                    "f.toml",
                    '[rule.r]\ndo = [{ action = "http", url = "u", name = "n" }, { action = "x", ulr = 1 }]',
                )
            ],
            check_step=check,
        )
    assert seen == [("http", "u"), ("x", "")]


def test_every_key_of_a_rule_is_documented():
    from tests.rules.test_operators import DOCS

    for key in RULE_KEYS:
        assert f"`{key}`" in DOCS


@given(st.text(max_size=200))
def test_any_text_gives_rules_or_problems(text):
    try:
        read_rules([("f.toml", text)])
    except ConfigError as error:
        assert error.problems  # noqa: PT017 - either is fine


LINES = st.sampled_from(
    [
        "[rule.r]", "[[rule.r.do]]", "action = 'log'", "when = { a = 1 }", "[rule.r.when]", "a = { not = [] }",
        "any = ['x', 1, {}]", "window = { count = 'x' }", "test = [1]", "test = [{ payload = 1 }]", "[calendar.c]",
        "days = 'mon-xxx'", "hours = ['1']", "except = [1]", "tz = 'x'", "absence = { at = '9' }", "[condition.c]",
        "sequence = { within = 1, then = { by = 1 } }", "expr = [1]", "on = '/'", "retry = 1", "use = 1",
    ],
)  # fmt: skip


@given(st.lists(LINES, max_size=8))
def test_any_lines_give_rules_or_problems(lines):
    try:
        read_rules([("f.toml", "\n".join(lines))])
    except ConfigError as error:
        assert error.problems  # noqa: PT017 - either is fine


def test_a_group_is_a_table_or_a_name():
    text = f"[condition.c]\na = 1\n[rule.r]\nany = ['c', 1]\n{DO}"

    assert problem_of(text).message == "`any` holds tables of conditions or names, not a number"


@pytest.mark.long
def test_ten_thousand_rules_are_read_in_seconds():
    one = f"[rule.r%d]\nwhen = {{ a = %d }} # hookagent: ignore x y\n{DO.replace('.r.', '.r%d.')}\n"
    start = time.process_time()

    rules = read_rules([("f.toml", "".join(one % (n, n, n) for n in range(10_000)))])

    assert len(rules.rules) == 10_000
    assert time.process_time() - start < 10
