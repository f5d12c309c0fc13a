"""Fetches secrets from where they are kept: made ones, files, programs, the desktop's keyring.

No secret is ever in an error. A made secret is written whole to a name of its own and then linked
into place, so that two programs that start at once agree on one.
"""

import os
import stat
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from hookagent.durable import keep_name
from hookagent.providers.shape import SecretForm

COMMAND_SECONDS = 15
"""A password manager may have to ask a person to touch a key."""
FILE_BYTES_MAX = 64 * 1024
"""Larger than any key in PEM form."""
MADE_BYTES = 32


class Unreadable(Exception):
    """A secret that cannot be had, and what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def made_file(state_folder: Path, source: str) -> Path:
    """Return where the made secret of a source is kept."""
    return state_folder / "secrets" / source


def given_file(state_folder: Path, source: str) -> Path:
    """Return where the key that a provider handed over in a handshake is kept."""
    return state_folder / "secrets" / f"{source}.given"


def given_secret(state_folder: Path, source: str) -> str | None:
    """Return the key a provider handed over, None where it did not yet. Raises Unreadable."""
    file = given_file(state_folder, source)
    return from_file(file) if file.exists() else None


def made_secret(state_folder: Path, source: str, form: SecretForm) -> str:
    """Return the secret made for a source, making it on first use. Raises Unreadable."""
    file = made_file(state_folder, source)
    try:
        if not file.exists():
            _make(file, _random(form))
        return from_file(file)
    except OSError as error:
        raise Unreadable(
            f"cannot keep a made secret in {file}: {error.strerror}",
            hint="name a folder that can be written to: HOOKAGENT_STATE_FOLDER=…",
        ) from None


def _random(form: SecretForm) -> str:
    """Return a new secret as the scheme writes its secrets."""
    import base64
    import secrets

    prefix = min(form.strip, key=len, default="")
    match form.form:
        case "base64":
            return prefix + base64.b64encode(secrets.token_bytes(MADE_BYTES)).decode()
        case "hex":
            return prefix + secrets.token_hex(MADE_BYTES)
        case _:
            return prefix + secrets.token_urlsafe(MADE_BYTES)


def _make(file: Path, secret: str) -> None:
    for folder in (file.parent.parent, file.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    own = file.with_name(f".{file.name}.{os.getpid()}.{os.urandom(4).hex()}")
    handle = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as opened:
            opened.write(secret + "\n")
            opened.flush()
            os.fsync(handle)
        try:
            os.link(own, file)
        except FileExistsError:
            return  # another program was first; its secret is the one
    finally:
        own.unlink(missing_ok=True)
        keep_name(file, folders=3)


def from_file(file: Path) -> str:
    """Read a secret from a file that only its owner may read. Raises Unreadable."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as opened:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise Unreadable(f"{file} is not a file")
            if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise Unreadable(f"{file} can be read by others", f"chmod 600 {file}")
            content = opened.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise Unreadable(f"cannot read {file}: {reason}") from None
    return _text(content, str(file))


def from_command(command: Sequence[str], folder: Path) -> str:
    """Return what a program prints on its first line. Raises Unreadable."""
    import subprocess

    program = command[0]
    try:
        done = subprocess.run(  # noqa: S603 - an argument list of a configuration its owner trusts
            list(command),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a program"
        raise Unreadable(f"cannot run `{program}`: {reason}") from None
    except subprocess.TimeoutExpired:
        raise Unreadable(f"`{program}` did not answer in {COMMAND_SECONDS} seconds") from None
    if done.returncode != 0:
        raise Unreadable(
            f"`{program}` ended with {done.returncode}", "run it by hand to see what it says"
        )
    return _text(done.stdout, f"`{program}`")


def from_keyring(name: str) -> str:
    """Return an entry `SERVICE/USER` of the desktop's keyring. Raises Unreadable."""
    service, slash, user = name.partition("/")
    if not slash or not service or not user:
        raise Unreadable(f"`{name}` is not `SERVICE/USER`")
    try:
        keyring = import_module("keyring")
    except ImportError:
        raise Unreadable("keyring is not installed", "pip install keyring") from None
    try:
        secret = keyring.get_password(service, user)
    except keyring.errors.KeyringError as error:
        raise Unreadable(f"no keyring: {type(error).__name__}") from None
    if secret is None:
        raise Unreadable(f"no `{name}` in the keyring", f"keyring set {service} {user}")
    return str(secret)


def _text(content: bytes, origin: str) -> str:
    if len(content) > FILE_BYTES_MAX:
        raise Unreadable(f"{origin} is larger than {FILE_BYTES_MAX} bytes")
    try:
        return content.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise Unreadable(f"{origin} is not UTF-8 text") from None
