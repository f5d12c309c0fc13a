"""The page's files: what is not ours is as recorded, small in all, and asks nobody else."""

import base64
import hashlib
import re
import tomllib
from pathlib import Path

import pytest

from hookagent.pipeline.refusals import REASONS
from hookagent.server.inspector.pages import STATIC, files

TRANSFERRED_MAX = 60 * 1024
"""Bytes of the whole page as a browser gets it."""
MANUAL = Path(__file__).parents[2] / "docs" / "inspector.md"
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


def test_the_page_knows_every_reason_for_a_refusal():
    text = files()["list.js"].data.decode()
    listed = re.search(r"const REASONS = \[(.*?)\]", text, re.DOTALL)
    assert listed is not None

    assert tuple(re.findall(r"'([^']+)'", listed[1])) == REASONS


def test_the_page_is_small_and_the_manual_says_how_small():
    packed = sum(len(file.packed) for file in files().values())
    plain = sum(len(file.data) for file in files().values())
    told = re.search(
        r"about (\d+) KB as a browser.*As files, unminified, it is about (\d+) KB",
        MANUAL.read_text(),
        re.DOTALL,
    )
    assert told is not None

    assert packed < TRANSFERRED_MAX
    assert packed / 1_000 == pytest.approx(int(told[1]), rel=0.1)
    assert plain / 1_000 == pytest.approx(int(told[2]), rel=0.1)


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
