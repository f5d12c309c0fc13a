"""Trust is of a path with its content."""

import json

from hookagent.config.trust import TrustRegistry, fingerprint, users_registry


def test_a_file_is_trusted_until_it_changes(tmp_path):
    registry = TrustRegistry(tmp_path / "user")
    file = tmp_path / "hookagent.toml"
    file.write_text("a = 1")
    assert not registry.is_trusted(file)

    registry.trust(file)
    assert registry.is_trusted(file)
    assert registry.file.stat().st_mode & 0o777 == 0o600

    file.write_text("a = 2")
    assert not registry.is_trusted(file)


def test_the_same_content_elsewhere_is_not_trusted(tmp_path):
    registry = TrustRegistry(tmp_path / "user")
    for name in ("a", "b"):
        (tmp_path / name).write_text("same")

    registry.trust(tmp_path / "a")

    assert not registry.is_trusted(tmp_path / "b")


def test_trust_can_be_taken_back(tmp_path):
    registry = TrustRegistry(tmp_path / "user")
    file = tmp_path / "a"
    file.write_text("x")
    registry.trust(file)

    assert registry.forget(file)
    assert not registry.is_trusted(file)
    assert not registry.forget(file)


def test_the_users_own_folder_is_trusted(tmp_path):
    registry = TrustRegistry(tmp_path)

    assert registry.is_trusted(tmp_path / "hookagent.toml")


def test_a_broken_registry_trusts_nothing(tmp_path):
    registry = TrustRegistry(tmp_path / "user")
    registry.folder.mkdir()
    file = tmp_path / "a"
    file.write_text("x")

    for broken in ("", "[]", '{"x": 1}'):
        registry.file.write_text(broken)
        assert not registry.is_trusted(file)


def test_a_file_that_is_not_there_has_no_fingerprint(tmp_path):
    assert fingerprint(tmp_path / "nope") is None
    assert not TrustRegistry(tmp_path / "user").is_trusted(tmp_path / "nope")


def test_commands_are_allowed_by_project_and_only_new_ones_ask(tmp_path):
    registry = TrustRegistry(tmp_path / "user")
    project = tmp_path / "project"
    assert registry.refused(project, ["a", "b"]) == ["a", "b"]

    registry.allow(project, ["a", "b"])
    assert registry.refused(project, ["b", "a", "c"]) == ["c"]
    assert registry.refused(tmp_path / "copy", ["a"]) == ["a"]

    registry.allow(project, ["c"])
    assert registry.refused(project, ["a", "c"]) == ["a"]
    assert "c" not in json.loads(registry.file.read_text())[str(project)]

    assert registry.forget(project)
    assert registry.refused(project, ["c"]) == ["c"]


def test_what_was_written_for_a_file_allows_no_command_and_the_other_way_round(tmp_path):
    registry = TrustRegistry(tmp_path / "user")
    file = tmp_path / "file"
    file.write_text("x")

    registry.trust(file)
    assert registry.refused(file, ["a"]) == ["a"]

    registry.allow(file, ["a"])
    assert not registry.is_trusted(file)


def test_the_users_own_projects_and_containers_need_no_word(tmp_path):
    own = TrustRegistry(tmp_path)
    assert own.refused(tmp_path / "project", ["a"]) == []

    container = users_registry({"HOOKAGENT_TRUST": "all"})
    assert container.refused(tmp_path, ["a"]) == []
    for other in ("", "1", "ALL", "yes"):
        assert users_registry({"HOOKAGENT_TRUST": other}).refused(tmp_path, ["a"]) == ["a"]
