"""Adapter: T16, lines appended where the author said and nowhere else."""

import json
import os

import pytest

from hookagent import eventfile
from hookagent.actions.registry import bind
from hookagent.environment import Environment
from hookagent.errors import ConfigError
from hookagent.job import Done, Never
from tests.actions.conftest import act


async def test_lines_are_appended_to_a_private_file(outside):
    options = {"path": "log.txt", "line": "n={{ n }}"}
    await act("file", options, outside, {"n": 1})

    outcome = await act("file", options, outside, {"n": 2})

    assert outcome == Done({"path": "log.txt", "bytes": 4})
    file = outside.folder / "log.txt"
    assert file.read_text() == "n=1\nn=2\n"
    assert file.stat().st_mode & 0o777 == 0o600


async def test_folders_on_the_way_are_made(outside):
    options = {"path": "logs/{{ @received_at | date }}.jsonl", "json": {"n": "{{ n }}"}}

    await act("file", options, outside, {"n": 1})

    assert (outside.folder / "logs" / "2025-10-09.jsonl").read_text() == '{"n":1}\n'
    assert (outside.folder / "logs").stat().st_mode & 0o777 == 0o700


async def test_by_default_the_event_is_kept_so_that_replay_reads_it(outside):
    headers = {"Content-Type": "application/json", "X-Secret-Token": "s", "X-Kind": "a"}

    await act("file", {"path": "events.jsonl"}, outside, body=b'{"a":1}', headers=headers)

    data = (outside.folder / "events.jsonl").read_bytes()
    (captured,) = eventfile.read(data)
    assert (captured.id, captured.source, captured.type) == ("evt_1", "shop", "order.paid")
    assert captured.request.body == b'{"a":1}'
    assert {name for name, _ in captured.request.headers.items()} == {"Content-Type", "X-Kind"}


async def test_a_value_cannot_forge_a_second_line(outside):
    await act("file", {"path": "log", "line": "{{ v }}"}, outside, {"v": "a\nroot::0:0\r\nb"})

    assert (outside.folder / "log").read_text() == "a\\nroot::0:0\\r\\nb\n"


@pytest.mark.parametrize(
    "value",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "..",
        ".",
        "a/../../b",
        "a\0b",
        "C:\\x",
        "-",
        "日本",
        "x" * 500,
    ],
)
async def test_a_value_in_the_path_names_no_folder(outside, value):
    await act("file", {"path": "in/{{ v }}", "line": "x"}, outside, {"v": value})

    assert [entry.name for entry in outside.folder.iterdir()] == ["in"]
    (made,) = (outside.folder / "in").iterdir()
    assert made.read_text() == "x\n"
    assert not made.name.startswith(".")


async def test_a_link_as_the_file_is_not_followed(outside, tmp_path_factory):
    target = tmp_path_factory.mktemp("elsewhere") / "target"
    target.write_text("safe")
    (outside.folder / "log").symlink_to(target)

    outcome = await act("file", {"path": "log", "line": "x"}, outside)

    assert isinstance(outcome, Never)
    assert target.read_text() == "safe"


async def test_a_link_on_the_way_is_not_followed(outside, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (outside.folder / "logs").symlink_to(elsewhere)

    outcome = await act("file", {"path": "logs/a.txt", "line": "x"}, outside)

    assert isinstance(outcome, Never)
    assert list(elsewhere.iterdir()) == []


async def test_a_pipe_does_not_block_us(outside):
    os.mkfifo(outside.folder / "pipe")

    assert isinstance(await act("file", {"path": "pipe", "line": "x"}, outside), Never)


async def test_an_absolute_path_the_author_wrote_is_taken(outside, tmp_path_factory):
    target = tmp_path_factory.mktemp("elsewhere") / "out.log"

    outcome = await act("file", {"path": str(target), "line": "x"}, outside)

    assert isinstance(outcome, Done)
    assert target.read_text() == "x\n"


async def test_a_folder_in_place_of_the_file_is_for_good(outside):
    (outside.folder / "log").mkdir()

    outcome = await act("file", {"path": "log", "line": "x"}, outside)

    assert isinstance(outcome, Never)
    assert "cannot be written" in outcome.error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "../x", "line": "x"}, "must not climb"),
        ({"path": "a/../../x"}, "must not climb"),
        ({"path": ""}, "must name a file"),
        ({"path": "a/"}, "must name a file"),
        ({"path": "x", "line": "a", "json": {}}, "do not go together"),
    ],
)
def test_paths_that_cannot_be_are_problems(options, message):
    with pytest.raises(ConfigError, match=message):
        bind("file", options, Environment({}))


async def test_many_at_once_do_not_mix_their_lines(outside):
    import asyncio

    line = "x" * 3000
    await asyncio.gather(
        *(act("file", {"path": "log", "json": {"l": line}}, outside) for _ in range(20))
    )

    lines = (outside.folder / "log").read_text().splitlines()
    assert [json.loads(each) for each in lines] == [{"l": line}] * 20
