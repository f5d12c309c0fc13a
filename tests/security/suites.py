"""Cases that others have gathered, from copies outside this repository, beside a few of our own.

`make test-suites` fetches the copies and says where they are:

HOOKAGENT_JSONTESTSUITE  the folder `test_parsing` of https://github.com/nst/JSONTestSuite
HOOKAGENT_BLNS           `blns.json` of https://github.com/minimaxir/big-list-of-naughty-strings
HOOKAGENT_LLHTTP         the folder `test/request` of https://github.com/nodejs/llhttp
"""

import json
import os
import re
from pathlib import Path

JSON_SUITE = Path(os.environ.get("HOOKAGENT_JSONTESTSUITE") or "no such folder")
BLNS = Path(os.environ.get("HOOKAGENT_BLNS") or "no such file")
LLHTTP = Path(os.environ.get("HOOKAGENT_LLHTTP") or "no such folder")

CANARY = "\x1b[7;38;5;123m"
"""A colour that nothing of ours uses: it may come from a payload only."""
OWN = (
    "", " ", "\t", "\n", "\r", "\r\n", "\x00", "\x07", "\x08", "\x0b", "\x0c", "\x0e", "\x1a", "\x7f",
    CANARY, "\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]8;;http://evil.test\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07", "\x1b[6n", "\x1b[c", "\x1bc", "\x1b[?1049h", "\x1b[5i", "\x1bP+q\x1b\\",
    "\x1b_G\x1b\\", "\x1b^x\x1b\\", "\x1b[31;1m", "\x1b[201~rm -rf /\r", "\x9b2J", "\x9d0;t\x9c", "\x90x\x9c",
    "\x85", "\u2028\u2029", "\u202etxt.exe", "\u2066x\u2069", "\u200b\u200d\ufeff", "\U000e0041",
    "[link=http://evil.test]x[/link]", "[/nope]", "[bold]x", "<script>alert(1)</script>", "' OR 1=1 --",
    "$(touch pwned)", "`touch pwned`", "; touch pwned", "../../etc/passwd", "{{ a }}", "${HOME}", "%s%n%x",
    "a" * 10_000, "é" * 3_000, "e\u0301\u0327", "😀👩‍👩‍👧", "田中さん", "ﷺ", "١٢٣", "NaN", "1e400", "-0",
)  # fmt: skip
"""What our own terminal and page must stand; surrogates cannot come in by JSON."""


def naughty() -> list[str]:
    """Return our own strings, and the Big List where there is a copy."""
    return [*OWN, *(json.loads(BLNS.read_text("utf-8")) if BLNS.is_file() else [])]


def llhttp_requests() -> dict[str, bytes]:
    """Return the requests of llhttp's tests by their place, where there is a copy.

    How they are written: test/md-test.ts of that project.
    """
    found = {}
    for file in sorted(LLHTTP.glob("*.md")):
        blocks = re.findall(r"```http\n(.*?)```", file.read_text("utf-8"), re.DOTALL)
        for number, block in enumerate(blocks):
            found[f"{file.stem}-{number}"] = _unescaped(block.removesuffix("\n"))
    return found


def _unescaped(text: str) -> bytes:
    text = re.sub(r"\\\r?\n", "", text)
    text = re.sub(r"\r\n|\r|\n", "\r\n", text)
    for written, meant in (("\\r", "\r"), ("\\n", "\n"), ("\\t", "\t"), ("\\f", "\f")):
        text = text.replace(written, meant)
    return re.sub(r"\\x([0-9a-fA-F]{2})", lambda hit: chr(int(hit[1], 16)), text).encode(
        "latin-1", "replace"
    )
