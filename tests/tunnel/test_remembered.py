"""Adapter: the channel kept between starts."""

from hookagent.tunnel.remembered import recall, remember


def test_a_channel_is_there_at_the_next_start_and_private(tmp_path):
    folder = tmp_path / "state"

    remember(folder, "smee", "https://smee.io/a")
    remember(folder, "smee", "https://smee.io/b")

    assert recall(folder, "smee") == "https://smee.io/b"
    assert recall(folder, "gosmee") == ""
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]


def test_without_a_folder_nothing_is_kept():
    remember(None, "smee", "https://smee.io/a")

    assert recall(None, "smee") == ""
