"""`[[expect]]`, `expect_every`, `[watch]` and `[log]`: read as written, wrong ones with a place."""

import re
from pathlib import Path

import pytest

from hookagent.config.load import load
from hookagent.errors import ConfigError
from hookagent.watch.settings import Thresholds

SOURCE = """
[sources.backup]
path = "/hooks/backup"
scheme = "none"
"""


def read(tmp_path, text, **environ):
    (tmp_path / "hookagent.toml").write_text(text)
    return load(tmp_path / "hookagent.toml", environ=environ, cwd=tmp_path)


def problems(tmp_path, text):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    return {(problem.code, problem.line) for problem in caught.value.problems}


def test_without_a_word_the_built_in_watches_and_the_log_are_on(tmp_path):
    config = read(tmp_path, SOURCE)

    assert config.watch.enabled
    assert config.watch.expectations == ()
    assert config.log.level_of("run") == "info"


def test_an_expectation_is_read_with_its_conditions(tmp_path):
    config = read(
        tmp_path,
        SOURCE
        + """
        [[expect]]
        name = "nightly"
        match = "backup/done"
        when = { "host.name" = "db1" }
        cron = "0 3 * * *"
        tz = "Europe/Berlin"
        grace = "30m"
        remind = "6h"
        start = "now"
        """,
    )

    [one] = config.watch.expectations
    assert (one.spec.grace_ms, one.spec.remind_ms, one.spec.starts_now) == (
        1_800_000,
        21_600_000,
        True,
    )
    assert str(one.match.on[0]) == "backup/done"
    assert str(one.match.when[0].reference) == "host.name"


def test_a_pair_is_read(tmp_path):
    config = read(
        tmp_path,
        SOURCE
        + """
        [[expect]]
        name = "paid"
        after = "backup/started"
        expect = { on = "backup/done", when = { ok = true } }
        within = "15m"
        by = "session"
        """,
    )

    [pair] = config.watch.pairs
    assert pair.spec.within_ms == 900_000
    assert [str(reference) for reference in pair.by] == ["session"]
    assert len(pair.second.when) == 1


def test_expect_every_of_a_source_is_an_expectation(tmp_path):
    config = read(tmp_path, SOURCE + 'expect_every = "2h"\n')

    [one] = config.watch.expectations
    assert (one.spec.name, one.spec.schedule.every_ms) == ("backup", 7_200_000)


def test_thresholds_heartbeat_and_log_are_read_and_the_heartbeat_is_a_secret(tmp_path):
    config = read(
        tmp_path,
        """
        [watch]
        heartbeat_url = "${BEAT}"
        signatures = 3
        disk_free = "1 GiB"
        [log]
        format = "text"
        [log.levels]
        delivery = "off"
        """,
        BEAT="https://beat.test/abcdef",
    )

    assert config.watch.heartbeat_url == "https://beat.test/abcdef"
    assert "https://beat.test/abcdef" in config.environment.secrets
    assert "abcdef" not in repr(config)
    assert config.watch.thresholds is not None
    assert config.watch.thresholds.signatures == 3
    assert (config.log.format, config.log.level_of("delivery")) == ("text", "off")


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ('name = "a"\nmatch = "backup"', ("no-schedule", 6)),
        ('name = "a"\nmatch = "backup"\nevery = "1h"\ncron = "0 3 * * *"', ("no-schedule", 6)),
        ('name = "a"\nmatch = "backup"\ncron = "0 33 * * *"', ("bad-cron", 9)),
        ('name = "a"\nmatch = "backup"\ncron = "0 3 30 2 *"', ("bad-cron", 9)),
        (
            'name = "a"\nmatch = "backup"\ncron = "0 3 * * *"\ntz = "Europe/Berln"',
            ("bad-zone", 10),
        ),
        ('name = "a"\nevery = "1h"', ("missing-key", 6)),
        ('name = "a"\nmatch = "backup/["\nevery = "1h"', ("wrong-pattern", 8)),
        ('name = "a"\nmatch = "backup"\nevery = "1h"\ngrase = "1m"', ("unknown-key", 10)),
        ('name = "a"\nafter = "backup"\nexpect = "backup"', ("missing-key", 6)),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, written, found):
    assert found in problems(tmp_path, SOURCE + "\n[[expect]]\n" + written + "\n")


def test_a_source_nobody_declared_is_a_warning(tmp_path):
    config = read(tmp_path, SOURCE + '\n[[expect]]\nname = "a"\nmatch = "bakcup"\nevery = "1h"\n')

    assert [(one.code, one.hint) for one in config.warnings if one.code == "unknown-source"] == [
        ("unknown-source", "did you mean `backup`?")
    ]


DOCS = Path(__file__).parents[2] / "docs"
BLOCKS = [
    (name, block)
    for name in ("watching.md", "running.md")
    for block in re.findall(r"```toml\n(.*?)```", (DOCS / name).read_text("utf-8"), re.DOTALL)
    if "[rule." not in block
]


@pytest.mark.parametrize(("name", "block"), BLOCKS)
def test_the_examples_of_the_pages_are_read(tmp_path, name, block):
    config = read(tmp_path, block, HEARTBEAT_URL="https://beat.test/1")

    assert {one.code for one in config.warnings} <= {"unknown-source"}


def test_the_pages_show_all_three_and_their_defaults(tmp_path):
    assert len(BLOCKS) == 5
    [block] = [block for _, block in BLOCKS if "[watch]" in block]
    without = re.sub(r"(?m)^(heartbeat_url|remind) .*$", "", block)
    assert read(tmp_path, without).watch.thresholds == Thresholds()
