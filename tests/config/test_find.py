"""Finding the configuration."""

from hookagent.config.find import find_file, shown


def test_the_nearest_file_above_is_found(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "hookagent.toml").touch()
    assert find_file(inner) == tmp_path / "hookagent.toml"

    (tmp_path / "a" / "hookagent.toml").touch()
    assert find_file(inner) == tmp_path / "a" / "hookagent.toml"


def test_a_folder_of_that_name_is_no_file(tmp_path):
    (tmp_path / "hookagent.toml").mkdir()

    found = find_file(tmp_path)

    assert found is None or tmp_path not in found.parents


def test_a_file_is_named_from_where_we_are(tmp_path):
    assert shown(tmp_path / "a" / "b", tmp_path) == "a/b"
    assert shown(tmp_path / "b", tmp_path / "a") == str(tmp_path / "b")
