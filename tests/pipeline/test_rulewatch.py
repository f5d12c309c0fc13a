"""Adapter: which changes of files are told, with real folders."""

import asyncio
from contextlib import asynccontextmanager

from hookagent.pipeline import rulewatch
from hookagent.pipeline.rulewatch import rule_changes, watched_folders


@asynccontextmanager
async def watching(rules, beside):
    """Yield a function that waits for one change, or says after a moment that none came."""
    changes: asyncio.Queue[None] = asyncio.Queue()

    async def watch() -> None:
        async for _ in rule_changes(rules, beside):
            changes.put_nowait(None)

    async def came(seconds: float = 10.0) -> bool:
        try:
            await asyncio.wait_for(changes.get(), seconds)
        except TimeoutError:
            return False
        while not changes.empty():
            changes.get_nowait()
        return True

    task = asyncio.create_task(watch())
    await asyncio.sleep(0.3)  # until the system watches
    try:
        yield came
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_changed_rule_is_told_wherever_beneath_the_folder(tmp_path):
    rules = tmp_path / "rules"
    (rules / "team").mkdir(parents=True)

    async with watching([rules], tmp_path / "user/trusted.json") as came:
        (rules / "a.toml").write_text("one")
        assert await came()
        (rules / "team" / "b.toml").write_text("two")
        assert await came()
        (rules / "a.toml").unlink()
        assert await came()


async def test_other_files_are_not_told(tmp_path):
    rules = tmp_path / "rules"
    rules.mkdir()

    async with watching([rules], tmp_path / "trusted.json") as came:
        (rules / "notes.md").write_text("one")
        assert not await came(0.6)


async def test_the_file_beside_is_told(tmp_path):
    async with watching([tmp_path / "rules"], tmp_path / "trusted.json") as came:
        (tmp_path / "trusted.json").write_text("{}")
        assert await came()


async def test_a_folder_that_comes_later_is_told_with_what_it_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(rulewatch, "LOOK_MS", 100)
    rules = tmp_path / "project" / "rules"

    async with watching([rules], tmp_path / "user/trusted.json") as came:
        rules.mkdir(parents=True)
        assert await came()
        (rules / "late.toml").write_text("one")
        assert await came()


def test_a_folder_above_the_rules_is_not_watched_for_rules_that_are_not_there(tmp_path):
    (tmp_path / "project" / ".hookagent").mkdir(parents=True)
    (tmp_path / "user").mkdir()
    missing = tmp_path / "project" / "rules"

    assert watched_folders([missing], tmp_path / "user/trusted.json") == {tmp_path / "user"}


def test_rules_given_as_a_file_are_watched_without_what_lies_beneath(tmp_path):
    (tmp_path / "project" / ".hookagent").mkdir(parents=True)
    rules = tmp_path / "project" / "rules.toml"
    rules.write_text("")

    assert watched_folders([rules], tmp_path / "none/trusted.json") == {tmp_path / "project"}
