"""Adapter: which folders are synced. That it helps is what `tests/faults/test_power.py` shows."""

import os
from pathlib import Path

from hookagent.durable import keep_name


def test_the_folders_above_a_file_are_synced(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(
        os, "fsync", lambda handle: synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
    )
    file = tmp_path / "a" / "b" / "file"
    file.parent.mkdir(parents=True)

    keep_name(file)
    assert synced == [str(tmp_path / "a" / "b"), str(tmp_path / "a")]


def test_a_folder_that_cannot_be_synced_is_left_as_it_is(tmp_path, monkeypatch):
    def refuse(handle):
        raise OSError(22, "Invalid argument")

    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names only
    monkeypatch.setattr(os, "fsync", refuse)

    keep_name(tmp_path / "file")
    keep_name(tmp_path / "nowhere" / "file", folders=1)

    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - names only
