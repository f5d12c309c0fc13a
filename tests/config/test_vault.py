"""Where secrets are kept: adapter tests on real files and programs."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from hookagent.config import vault
from hookagent.providers.shape import SecretForm

FORM = SecretForm()


def test_programs_that_start_at_once_agree_on_one_secret(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: vault.made_secret(tmp_path, "a", FORM), range(32)))

    assert len(made) == 1
    assert [file.name for file in (tmp_path / "secrets").iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("form", "prefix", "length"),
    [
        (SecretForm(), "", 43),
        (SecretForm(form="base64", strip=("v1,whsec_", "whsec_")), "whsec_", 50),
        (SecretForm(form="hex"), "", 64),
        (SecretForm(form="base64url"), "", 43),
    ],
)
def test_a_made_secret_is_written_as_its_scheme_reads_it(tmp_path, form, prefix, length):
    made = vault.made_secret(tmp_path, "a", form)

    assert made.startswith(prefix)
    assert len(made) == length


def test_a_made_secret_that_others_can_read_is_not_used(tmp_path):
    vault.made_secret(tmp_path, "a", FORM)
    vault.made_file(tmp_path, "a").chmod(0o640)

    with pytest.raises(vault.Unreadable) as caught:
        vault.made_secret(tmp_path, "a", FORM)
    assert caught.value.message.endswith("can be read by others")


def test_a_state_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(vault.Unreadable) as caught:
        vault.made_secret(tmp_path / "file", "a", FORM)
    assert "cannot keep a made secret" in caught.value.message
    assert "HOOKAGENT_STATE_FOLDER" in (caught.value.hint or "")


def private(tmp_path, content: bytes):
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(0o600)
    return file


def test_a_file_keeps_its_inner_lines_and_loses_its_last_line_end(tmp_path):
    assert vault.from_file(private(tmp_path, b"a\nb\r\n")) == "a\nb"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xff", "is not UTF-8 text"), (b"x" * 65_537, "is larger than 65536 bytes")],
)
def test_a_file_that_is_no_secret_is_said(tmp_path, content, reason):
    with pytest.raises(vault.Unreadable) as caught:
        vault.from_file(private(tmp_path, content))
    assert caught.value.message.endswith(reason)


def test_a_folder_and_a_pipe_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)

    for name in (".", "pipe", "a\0b"):
        with pytest.raises(vault.Unreadable):
            vault.from_file(tmp_path / name)


def test_a_program_says_its_secret(tmp_path):
    assert vault.from_command([sys.executable, "-c", "print('s')"], tmp_path) == "s"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (
            ["no-such-program-at-all"],
            "cannot run `no-such-program-at-all`: No such file or directory",
        ),
        ([sys.executable, "-c", "raise SystemExit(3)"], f"`{sys.executable}` ended with 3"),
        (["a\0b"], "cannot run `a\0b`: not a program"),
    ],
)
def test_a_program_that_fails_is_said(tmp_path, command, reason):
    with pytest.raises(vault.Unreadable) as caught:
        vault.from_command(command, tmp_path)
    assert caught.value.message == reason


def test_a_program_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(vault, "COMMAND_SECONDS", 0.2)

    with pytest.raises(vault.Unreadable) as caught:
        vault.from_command([sys.executable, "-c", "input() or open('/dev/zero').read()"], tmp_path)
    assert caught.value.message


class KeyringErrors:
    KeyringError = type("KeyringError", (Exception,), {})


class FakeKeyring:
    errors = KeyringErrors

    def __init__(self, answer):
        self.answer = answer

    def get_password(self, service, user):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "no `service/user` in the keyring"),
        (KeyringErrors.KeyringError("locked"), "no keyring: KeyringError"),
    ],
)
def test_a_keyring_that_does_not_answer_is_said(monkeypatch, answer, message):
    monkeypatch.setattr(vault, "import_module", lambda _: FakeKeyring(answer))

    with pytest.raises(vault.Unreadable) as caught:
        vault.from_keyring("service/user")
    assert caught.value.message == message


def test_a_keyring_says_its_secret(monkeypatch):
    monkeypatch.setattr(vault, "import_module", lambda _: FakeKeyring("s"))

    assert vault.from_keyring("service/user") == "s"


def test_a_missing_keyring_package_is_said(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(vault, "import_module", missing)

    with pytest.raises(vault.Unreadable) as caught:
        vault.from_keyring("service/user")
    assert caught.value.hint == "pip install keyring"
