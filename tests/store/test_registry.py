"""A store's URL names its engine and its file."""

from pathlib import Path

import pytest

from hookagent.errors import OutsideError
from hookagent.store.registry import open_store
from hookagent.store.sqlite import SqliteStore


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///hookagent.db", "/base/hookagent.db"),
        ("sqlite:///.hookagent/a.db", "/base/.hookagent/a.db"),
        ("sqlite:////var/lib/a.db", "/var/lib/a.db"),
        ("sqlite:///with%20space%23.db", "/base/with space#.db"),
    ],
)
def test_a_sqlite_url_names_a_file(url, expected):
    store = open_store(url, Path("/base"))
    assert isinstance(store, SqliteStore)
    assert store.path == Path(expected)


@pytest.mark.parametrize("url", ["", "sqlite", "sqlite://", "sqlite:///", "sqlit:///a.db", "/a.db"])
def test_another_url_is_refused_with_a_hint(url):
    with pytest.raises(OutsideError) as refused:
        open_store(url, Path("/base"))
    assert "sqlite" in (refused.value.hint or "")


def test_a_password_in_an_unknown_url_is_not_repeated():
    with pytest.raises(OutsideError) as refused:
        open_store("mysql://user:hunter2@host/db", Path("/base"))
    assert "hunter2" not in str(refused.value) + (refused.value.hint or "")
