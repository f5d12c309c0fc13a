"""A store's URL names its engine and its file."""

import sys
from pathlib import Path

import pytest

from hookagent.errors import OutsideError
from hookagent.store.postgres import PostgresStore
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


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_postgresql_url_names_a_database_and_a_schema(scheme):
    store = open_store(
        f"{scheme}://ada:hunter2@db.example.test:6432/hooks?schema=one", Path("/base")
    )
    assert isinstance(store, PostgresStore)
    assert store.address.schema == "one"
    assert store.address.label == "postgresql://db.example.test:6432/hooks?schema=one"
    assert "hunter2" not in repr(store.address)


def test_without_the_driver_it_is_said_what_to_install(monkeypatch):
    for module in [name for name in sys.modules if name.startswith("hookagent.store.postgres")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(OutsideError) as refused:
        open_store("postgresql://ada:hunter2@host/db", Path("/base"))
    assert refused.value.hint == "pip install 'hookagent[postgres]'"
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:hunter2@host/db?nonsense=hunter2",
        "postgresql://ada:hunter2@host/db?schema=no%20name",
        "postgresql://ada:hunter2@host/db?schema=Upper",
        "postgresql://ada:hunter2@host/db?prepare=perhaps",
        "postgresql://ada:hunter2@[host/db",
    ],
)
def test_a_postgresql_url_that_cannot_be_read_is_not_repeated(url):
    with pytest.raises(OutsideError) as refused:
        open_store(url, Path("/base"))
    assert "hunter2" not in str(refused.value) + (refused.value.hint or "")
