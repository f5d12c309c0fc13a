"""A payload in the reader's own editor: JSON is indented; what is not changed keeps its bytes."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

import msgspec

from hookagent import payload
from hookagent.errors import OutsideError, UsageError
from hookagent.event import RawRequest

EDITORS = ("VISUAL", "EDITOR")
FALLBACK = "vi"


def edit(request: RawRequest) -> RawRequest:
    """Return the request with the body the person left in the editor.

    What means the same as before keeps its very bytes. Raises UsageError for a body that is no
    text, and for an edit of JSON that is none any more (it stays in a file that is named);
    OutsideError where the editor fails.
    """
    try:
        text = request.body.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError("the body is not text, so it cannot be edited") from None
    before = payload.read_json(request.body)
    is_json = isinstance(before, payload.Parsed)
    shown = msgspec.json.format(request.body, indent=2).decode() if is_json else text
    file = _write(shown, ".json" if is_json else ".txt")
    _run_editor(file)
    left = file.read_text("utf-8").removesuffix("\n")
    if left == shown.removesuffix("\n"):
        file.unlink()
        return request
    if is_json:
        after = payload.read_json(left.encode())
        if not isinstance(after, payload.Parsed):
            why = f"the edit cannot be sent: {after.reason}"
            raise UsageError(why, hint=f"it is kept in {file}")
    file.unlink()
    return msgspec.structs.replace(request, body=left.encode())


def _write(text: str, suffix: str) -> Path:
    """Put the text into a file that nobody else can read."""
    descriptor, name = tempfile.mkstemp(prefix="hookagent-", suffix=suffix)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + ("" if text.endswith("\n") else "\n"))
    return Path(name)


def _run_editor(file: Path) -> None:
    named = next((os.environ[name] for name in EDITORS if os.environ.get(name)), FALLBACK)
    command = [*shlex.split(named), str(file)]
    try:
        done = subprocess.run(command, check=False)  # noqa: S603 - the person's own editor
    except OSError as error:
        raise OutsideError(
            f"cannot start the editor `{named}`: {error.strerror}",
            hint="set EDITOR to the editor you use",
        ) from None
    if done.returncode:
        raise OutsideError(f"the editor `{named}` ended with {done.returncode}, nothing is sent")
