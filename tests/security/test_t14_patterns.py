"""T14: patterns that hang other engines: refused when the rule is read, or quick on any text."""

import json
import time

import pytest

from hookagent.rules.patterns import WrongPattern, compiled, found_by
from tests.patience import least
from tests.security.raw import alive
from tests.security.resources import processor_s
from tests.whole.served import run, serving, write_project

PATTERNS = [
    r"^(a+)+$", r"^(a|aa)+$", r"^(a|a?)+$", r"^([a-zA-Z]+)*$", r"^(.*a){20}$", r"(x+x+)+y",
    r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(.*)*b", r"^(\w+\s?)*$", r"(a*)*(a*)*(a*)*b", r"\s+$",
    r"^(?:.|\s)*z", r"(?i)(?:a|A|aa)*$",
    r"(?=a)a", r"(?<=a)b", r"(a)\1", r"((a{100}){100}){100}", r"a{1001}", r"(?P<n>a)(?P=n)",
]  # fmt: skip
TEXTS = {
    "as": lambda n: "a" * n + "!",
    "words": lambda n: "word " * (n // 5) + "!",
    "spaces": lambda n: " " * n + "x",
    "xs": lambda n: "x" * n,
    "letters and line ends": lambda n: "aA\n" * (n // 3),
}


LIMIT_S = 0.05


def cost_of(pattern: str, text: str) -> float:
    """Return the processor time that matching takes, in seconds."""
    began = time.thread_time()
    found_by(pattern, text)
    return time.thread_time() - began


@pytest.mark.parametrize("pattern", PATTERNS)
def test_t14_a_pattern_is_refused_or_quick(pattern):
    try:
        compiled(pattern)
    except WrongPattern as error:
        assert str(error)  # noqa: PT017 - either is fine
        return
    for make in TEXTS.values():
        for size in (10, 1_000, 100_000, 1_000_000):
            text = make(size)
            assert least(lambda: cost_of(pattern, text), LIMIT_S) < LIMIT_S  # noqa: B023 - at once


def test_t14_an_agent_with_such_rules_stalls_nobody(tmp_path):
    good = [p for p in PATTERNS if _compiles(p)]
    rules = "".join(
        f'[rule.r{n}]\n[rule.r{n}.when]\ntext = {{ regex = {json.dumps(pattern)} }}\n'
        f'[[rule.r{n}.do]]\naction = "log"\ntext = "x"\n'
        for n, pattern in enumerate(good)
    )  # fmt: skip
    project = write_project(tmp_path, rules=rules, server='max_body = "2 MiB"')
    with serving(project) as agent:
        spent = []
        for number, make in enumerate(TEXTS.values()):
            before = processor_s(agent.process.pid)
            status, answer = agent.post({"id": str(number), "text": make(1_000_000)})
            assert status == 200
            assert all(alive(agent.port) for _ in range(5))
            agent.wait_for("matched", id=answer["id"])
            spent.append(processor_s(agent.process.pid) - before)
        agent.stop()

    print(f"T14: {len(good)} patterns taken, {len(PATTERNS) - len(good)} refused, the most", end="")
    print(f" {max(spent) * 1000:.0f} ms of the processor for an event")
    assert max(spent) < 0.5


def _compiles(pattern: str) -> bool:
    try:
        compiled(pattern)
    except WrongPattern:
        return False
    return True


@pytest.mark.parametrize("pattern", [r"(?=a)a", r"(a)\1", r"((a{100}){100}){100}"])
def test_t14_a_rule_with_what_re2_cannot_say_is_an_error(tmp_path, pattern):
    rule = f"[rule.r]\n[rule.r.when]\ntext = {{ regex = {json.dumps(pattern)} }}\n"  # fmt: skip
    project = write_project(tmp_path, rules=rule + '[[rule.r.do]]\naction = "log"\ntext = "x"\n')

    done = run(project, "rules", "check")

    assert done.returncode == 3
    assert b"rules/test.toml:3" in done.stdout + done.stderr
