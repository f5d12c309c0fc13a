"""What a pattern needs is in every text that fits it."""

from random import Random

import pytest

from hookagent.rules.index.literals import Runs, any_of_regex, of_glob, of_regex
from hookagent.rules.patterns import WrongPattern, compiled, fits_glob, found_by

ALPHABET = (
    "a",
    "b",
    "ab",
    "*",
    "?",
    "+",
    ".",
    "^",
    "$",
    "(",
    ")",
    "(?:",
    "[ab]",
    "|",
    "\\.",
    "{2}",
)
ALPHABET_MORE = ("\\d", "{1,}", "{", "}", "[^a]", "\\Q", "(?i)", "]", "[", "\\b", "é")


def test_what_a_pattern_needs_is_in_every_text_that_fits_it():
    random = Random(5)
    checked = 0
    for _ in range(6_000):
        pattern = "".join(random.choices(ALPHABET + ALPHABET_MORE, k=random.randrange(1, 7)))
        try:
            compiled(pattern)
        except WrongPattern:
            continue
        needs = of_regex(pattern) or Runs()
        for _ in range(6):
            text = "".join(random.choices(("a", "b", "ab", ".", "1", "é", "{", "}", " "), k=6))
            if found_by(pattern, text):
                checked += 1
                texts = any_of_regex(pattern)
                assert not texts or any(part in text for part in texts), (pattern, text)
                assert all(run in text for run in needs.runs), (pattern, text)
                assert not needs.starts or text.startswith(needs.runs[0]), (pattern, text)
                assert not needs.ends or text.endswith(needs.runs[-1]), (pattern, text)
    assert checked > 1_000


def test_what_a_glob_needs_is_in_every_text_that_fits_it():
    random = Random(6)
    for _ in range(3_000):
        pieces = ("a", "b", "*", "*", "?", "[ab]", "[!b]", "\\*", "\\a")
        pattern = "".join(random.choices(pieces, k=random.randrange(1, 6)))
        needs = of_glob(pattern)
        for _ in range(4):
            text = "".join(random.choices("ab*", k=random.randrange(5)))
            if fits_glob(pattern, text):
                assert all(run in text for run in needs.runs), (pattern, text)
                assert not needs.starts or text.startswith(needs.runs[0]), (pattern, text)
                assert not needs.ends or text.endswith(needs.runs[-1]), (pattern, text)


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("opened|closed by", {"opened", "closed by"}),
        (r"^\w+ (fox|hare) \d+$", {"fox", "hare"}),
        ("(?:disk|swap>file) full", {" full"}),
        ("(?:disk|swap>file)", {"disk", "swap>file"}),
        ("(?P<what>disk|swap)[0-9]", {"disk", "swap"}),
        ("((disk|swap)|cpu)+", {"disk", "swap", "cpu"}),
        ("(disk|swap)? full", {" full"}),
        ("(disk){0,1}|swap", set()),
        ("disk|[a-z]+", set()),
        ("disk|", set()),
        ("(?i)disk|swap", set()),
        ("|".join(f"word{number}" for number in range(100)), set()),
    ],
)
def test_one_of_some_texts_is_needed(pattern, texts):
    assert set(any_of_regex(pattern)) == texts
