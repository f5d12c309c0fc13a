"""The page's files: what is not ours is as recorded, small in all, and asks nobody else."""

import base64
import hashlib
import re
import tomllib

from hookagent.server.inspector.pages import STATIC, files

TRANSFERRED_MAX = 60 * 1024
"""Bytes of the whole page as a browser gets it."""
VENDOR = STATIC / "vendor"


def digest(data: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


def packages():
    return tomllib.loads((VENDOR / "VENDORED.toml").read_text())["package"]


def test_every_vendored_file_is_as_recorded_and_has_its_licence():
    recorded = {file["name"]: file["sha512"] for one in packages() for file in one["file"]}

    assert {path.name for path in VENDOR.glob("*.js")} == set(recorded)
    for name, expected in recorded.items():
        assert digest((VENDOR / name).read_bytes()) == expected
    for one in packages():
        assert re.fullmatch(r"\d+\.\d+\.\d+", one["version"])
        assert one["integrity"].startswith("sha512-")
        assert one["licence"].split("-")[0] in (VENDOR / one["licence_file"]).read_text()


def test_the_page_is_small():
    assert sum(len(file.packed) for file in files().values()) < TRANSFERRED_MAX


def test_nothing_is_asked_of_anybody_else():
    for name, file in files().items():
        if name.startswith("vendor/"):
            continue
        text = file.data.decode()
        assert not re.findall(r"(?:src|href|url\(|import|fetch)[^\n]{0,20}https?://", text), name
        assert "innerHTML" not in text
        assert "eval(" not in text


def test_every_module_that_is_imported_is_there():
    found = files()
    for name, file in found.items():
        if not name.endswith(".js"):
            continue
        folder = name.rpartition("/")[0]
        for wanted in re.findall(r"from\s*[\"'](\.[^\"']+)[\"']", file.data.decode()):
            path = wanted.removeprefix("./")
            assert (f"{folder}/{path}" if folder else path) in found, (name, wanted)
