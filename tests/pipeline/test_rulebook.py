"""Adapter: rule files become a rulebook, or every problem with its place."""

import asyncio
import gc
import time

import pytest

from hookagent.environment import Environment
from hookagent.errors import ConfigError
from hookagent.pipeline.rulebook import Bindings, Turns, load_rulebook, rule_files
from tests.rules.events import make_event

GOOD = '[rule.a]\n[[rule.a.do]]\naction = "log"\ntext = "${WORD} {{ x }}"\n'


def write(folder, **files):
    (folder / "rules").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "rules" / f"{name}.toml").write_text(text)
    return folder / "rules"


def test_rules_are_read_in_the_order_of_their_files(tmp_path):
    place = write(tmp_path, b=GOOD.replace("rule.a", "rule.second"), a=GOOD)

    book = load_rulebook([place], tmp_path, Environment({"WORD": "hi"}))

    assert [rule.name for rule in book.ruleset.rules] == ["a", "second"]
    assert [path.name for path in rule_files([place, place / "a.toml", tmp_path / "none"])] == [
        "a.toml",
        "b.toml",
        "a.toml",
    ]


def test_every_problem_of_every_file_is_reported_with_its_place(tmp_path):
    place = write(
        tmp_path, a=GOOD, b='[rule.b]\nwhn = {}\n[[rule.b.do]]\naction = "lgo"\n', c="x = "
    )

    with pytest.raises(ConfigError) as caught:
        load_rulebook([place], tmp_path, Environment({}))

    said = str(caught.value)
    assert "rules/a.toml:4:8" in said
    assert "WORD" in said
    assert "rules/b.toml:2:1" in said
    assert "did you mean `log`?" in said
    assert "rules/c.toml:1" in said


def test_a_recorded_version_binds_after_its_rule_is_gone(tmp_path):
    place = write(tmp_path, a=GOOD)
    environment = Environment({"WORD": "hi"})
    book = load_rulebook([place], tmp_path, environment)
    version = Bindings(environment).of_rule(book.ruleset.rules[0]).version

    later = Bindings(environment).of_version(version)

    assert later.specs[0].options == {"text": "${WORD} {{ x }}"}
    assert later.step(0).options is not None


def test_who_serves_has_a_turn_while_rules_are_made(tmp_path):
    text = "".join(GOOD.replace("rule.a", f"rule.a{number}") for number in range(300))
    turns = []

    book = load_rulebook(
        [write(tmp_path, a=text)], tmp_path, Environment({"WORD": "hi"}), lambda: turns.append(1)
    )

    assert len(book) == 300
    assert len(turns) > 3


def test_a_turn_rests_only_after_some_work(monkeypatch):
    rests: list[float] = []
    now = iter([5_000_000, 5_000_100, 6_000_000, 9_000_000, 9_000_100])
    monkeypatch.setattr("hookagent.pipeline.rulebook.time.perf_counter_ns", lambda: next(now))
    monkeypatch.setattr("hookagent.pipeline.rulebook.time.sleep", rests.append)
    turns = Turns()

    turns()
    turns()
    turns()

    assert len(rests) == 2


def test_loading_leaves_the_collector_as_it_was(tmp_path):
    load_rulebook([write(tmp_path, a=GOOD)], tmp_path, Environment({"WORD": "hi"}))
    assert gc.isenabled()

    with pytest.raises(ConfigError):
        load_rulebook([write(tmp_path, a="x = ")], tmp_path, Environment({}))
    assert gc.isenabled()


@pytest.mark.alone
async def test_events_are_matched_while_thousands_of_rules_are_read_again(tmp_path):
    """The loop that serves is never held up for long, as it were if rules were read on it."""
    text = "".join(GOOD.replace("rule.a", f"rule.a{number}") for number in range(3_000))
    environment = Environment({"WORD": "hi"})
    place = write(tmp_path, a=text)
    before = load_rulebook([place], tmp_path, environment)
    worst: list[float] = []
    while not worst or (
        min(worst) >= 0.25 and len(worst) < 5
    ):  # others may hold this machine up too
        loading = asyncio.create_task(
            asyncio.to_thread(load_rulebook, [place], tmp_path, environment, Turns())
        )
        late: list[float] = []
        while not loading.done():
            started = time.perf_counter()
            await asyncio.sleep(0.001)
            before.select(make_event())
            late.append(time.perf_counter() - started)
        assert len(await loading) == 3_000
        assert len(late) > 20
        worst.append(max(late))

    assert min(worst) < 0.25


def test_files_that_cannot_be_read_are_said_together_without_the_words_of_python(tmp_path):
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "gone.toml").symlink_to(tmp_path / "nowhere")

    with pytest.raises(ConfigError) as refused:
        load_rulebook([tmp_path], tmp_path, Environment({}))

    assert [problem.message for problem in refused.value.problems] == [
        "cannot read `bad.toml`: it is not UTF-8 text",
        "cannot read `gone.toml`: no such file or directory",
    ]
