"""curl commands as people paste them: words are taken apart as a shell would, nothing is run.

Options that send something are understood; a body that stands in a file (`-d @file`) is refused,
since a capture must not make us read files.
"""

import base64
import json
from collections.abc import Iterator

from hookagent.errors import UsageError
from hookagent.eventfile import Captured
from hookagent.pipeline.captures.making import captured
from hookagent.pipeline.captures.words import commands

DATA = {"-d", "--data", "--data-ascii", "--data-binary", "--data-raw", "--json", "--data-urlencode"}
VALUED = {
    "-X", "--request", "-H", "--header", "-A", "--user-agent", "-e", "--referer", "-b", "--cookie",
    "-u", "--user", "--url", "-o", "--output", "-m", "--max-time", "--connect-timeout", "-w",
    "--write-out", "--resolve", "--cacert", "-E", "--cert", "--key", "-x", "--proxy", "--retry",
}  # fmt: skip
"""Options that take a value."""
NAMED = {"-A": "User-Agent", "--user-agent": "User-Agent", "-e": "Referer", "--referer": "Referer",
         "-b": "Cookie", "--cookie": "Cookie"}  # fmt: skip


def read_curl(data: bytes, name: str) -> Iterator[Captured]:
    """Yield the requests of the curl commands in a text. Raises UsageError."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not text") from None
    found = commands(text, name)
    for number, words in enumerate(found, start=1):
        place = f"{name}, command {number}" if len(found) > 1 else name
        if words[0] in {b"$", b"%", b">"}:
            words = words[1:]  # noqa: PLW2901 - the prompt was copied along
        if not words or words[0] != b"curl":
            raise UsageError(f"{place} is not a curl command")
        yield _Command(place).read(words[1:])


class _Command:
    """One command while its words are read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.method = ""
        self.url = ""
        self.headers: list[tuple[str, str]] = []
        self.data: list[bytes] = []
        self.is_json = False
        self.as_query = False

    def read(self, words: list[bytes]) -> Captured:
        """Read all words. Raises UsageError."""
        left = iter(words)
        for word in left:
            option, value = self._parted(word)
            if option in DATA | VALUED:
                if value is None:
                    value = next(left, None)
                if value is None:
                    raise UsageError(f"{self.name}: `{option}` lacks its value")
                self._take(option, value)
            elif option in {"-G", "--get"}:
                self.as_query = True
            elif option in {"-I", "--head"}:
                self.method = self.method or "HEAD"
            elif option in {"-F", "--form", "-T", "--upload-file"}:
                raise UsageError(f"{self.name}: `{option}` is not understood")
            elif not option:
                self.url = self.url or word.decode("utf-8", "replace")
        return self._captured()

    @staticmethod
    def _parted(word: bytes) -> tuple[str, bytes | None]:
        """Part an option from a value that is written onto it; no option: empty."""
        if word.startswith(b"--"):
            return word.decode("utf-8", "replace"), None
        if not word.startswith(b"-") or word == b"-":
            return "", None
        option = word[:2].decode("latin-1")
        glued = option in DATA | VALUED and len(word) > len(option)
        return option, word[2:] if glued else None

    def _take(self, option: str, value: bytes) -> None:
        if option in DATA:
            self._take_data(option, value)
            return
        text = value.decode("utf-8", "surrogateescape")
        if option in {"-X", "--request"}:
            self.method = text
        elif option == "--url":
            self.url = text
        elif option in {"-H", "--header"}:
            field, separator, rest = text.partition(":")
            if not separator:
                field, rest = text.removesuffix(";"), ""
            self.headers.append((field.strip(), rest.strip()))
        elif option in NAMED:
            self.headers.append((NAMED[option], text))
        elif option in {"-u", "--user"}:
            proof = base64.b64encode(value).decode("ascii")
            self.headers.append(("Authorization", f"Basic {proof}"))

    def _take_data(self, option: str, value: bytes) -> None:
        if value.startswith(b"@") and option != "--data-raw":
            raise UsageError(
                f"{self.name} takes its body from a file",
                hint="put the body into the command, or give the file itself",
            )
        if option == "--data-urlencode":
            raise UsageError(f"{self.name}: `{option}` is not understood")
        self.is_json = self.is_json or option == "--json"
        self.data.append(value)

    def _captured(self) -> Captured:
        if not self.url:
            raise UsageError(f"{self.name} has no URL")
        url = self.url if "://" in self.url else f"http://{self.url}"
        body = (b"" if self.is_json else b"&").join(self.data)
        if self.as_query and self.data:
            url += ("&" if "?" in url else "?") + body.decode("utf-8", "replace")
            body = b""
        names = {field.lower() for field, _ in self.headers}
        headers = list(self.headers)
        if body and "content-type" not in names:
            kind = "application/json" if self.is_json or _is_json(body) else FORM
            headers.append(("Content-Type", kind))
        method = self.method or ("POST" if self.data and not self.as_query else "GET")
        return captured(self.name, method=method, url=url, headers=headers, body=body)


FORM = "application/x-www-form-urlencoded"
"""What curl says a body is unless it is told."""


def _is_json(body: bytes) -> bool:
    """Whether a body is an object or array: people forget the header, curl would say form."""
    try:
        return isinstance(json.loads(body), dict | list)
    except (ValueError, RecursionError):
        return False
