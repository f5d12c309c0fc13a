"""Adapter: changed configuration is told by name, never by value."""

import pytest

from hookagent.pipeline import staleness
from hookagent.pipeline.feed import Feed, Trouble
from hookagent.pipeline.staleness import NAMED_MAX, Staleness, changed, parts_of

TOML = """
state_folder = "user"
[server]
port = 8787
[sources.shop]
secret = "${SHOP_SECRET}"
[sources.mail]
secret = "auto"
[[expect]]
every = "1h"
"""
ENV = "SHOP_SECRET=first-very-secret-word\n"


@pytest.mark.parametrize(
    ("toml", "env", "names"),
    [
        (TOML + "\n# only a comment\n", ENV + "# another\n", []),
        (TOML.replace("8787", "8788"), ENV, ["[server]"]),
        (TOML.replace("auto", "x"), ENV, ["[sources.mail]"]),
        (TOML + "[sources.new]\n[log]\n", ENV, ["[sources.new]", "[log]"]),
        (TOML.replace('every = "1h"', 'every = "2h"'), ENV, ["[[expect]]"]),
        (TOML.replace('"user"', '"here"'), ENV, ["`state_folder`"]),
        (TOML, ENV.replace("first", "other"), ["`SHOP_SECRET` in .env"]),
        (TOML, "", ["`SHOP_SECRET` in .env"]),
    ],
)
def test_what_changed_is_named_and_what_means_the_same_is_not(toml, env, names):
    assert changed(parts_of(TOML, ENV), parts_of(toml, env)) == names


@pytest.fixture
def files(tmp_path):
    (tmp_path / "hookagent.toml").write_text(TOML)
    (tmp_path / ".env").write_text(ENV)
    return tmp_path


async def looked(files, *edits):
    """Return what is said after each edit, and then once more after none."""
    feed = Feed()
    news = feed.subscribe()
    stale = Staleness(files / "hookagent.toml", feed, lambda: 7)
    for name, text in edits:
        (files / name).write_text(text)
        await stale.look()
    await stale.look()
    feed.close()
    return [
        (one.part, one.message, one.hint) for one in await news.batch() if isinstance(one, Trouble)
    ]


async def test_a_rotated_secret_is_told_once_and_its_value_never(files):
    ((part, message, hint),) = await looked(files, (".env", "SHOP_SECRET=other-very-secret-word\n"))

    assert part == "config"
    assert message == "not in force yet: `SHOP_SECRET` in .env; only rules are read again"
    assert "restart" in hint
    assert "doctor" in hint


async def test_an_edit_that_is_taken_back_needs_no_word(files):
    said = await looked(files, ("hookagent.toml", TOML + "[log]\n"), ("hookagent.toml", TOML))

    assert [message for _, message, _ in said] == [
        "not in force yet: [log]; only rules are read again"
    ]


async def test_a_file_that_cannot_be_read_any_more_is_told(files):
    ((_, message, hint),) = await looked(files, ("hookagent.toml", "[server\n"))

    assert "`hookagent.toml` was changed and cannot be read" in message
    assert "stays in force" in hint


async def test_many_changes_are_counted(files):
    more = "".join(f"[sources.s{number}]\n" for number in range(NAMED_MAX + 3))
    ((_, message, _),) = await looked(files, ("hookagent.toml", TOML + more))

    assert "and 3 more;" in message


async def test_files_are_looked_at_again_and_again(files, monkeypatch):
    import asyncio

    monkeypatch.setattr(staleness, "EVERY_S", 0.0)
    feed = Feed()
    news = feed.subscribe()
    task = asyncio.ensure_future(Staleness(files / "hookagent.toml", feed, lambda: 7).run())
    (files / "hookagent.toml").unlink()

    (said,) = await asyncio.wait_for(news.batch(), 60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert isinstance(said, Trouble)
    assert "[server]" in said.message
