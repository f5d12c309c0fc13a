"""The document of all providers is what the catalogue says."""

import re
from pathlib import Path

import pytest

from hookagent.providers import catalog, sample
from hookagent.providers.document import document

FILE = Path(__file__).parent.parent.parent / "docs" / "providers.md"


@pytest.fixture(scope="module")
def text() -> str:
    return document()


def test_the_file_is_up_to_date(text: str) -> None:
    command = "python -m hookagent.providers.document > docs/providers.md"
    assert FILE.read_text("utf-8") == text, f"run: {command}"


def test_every_provider_has_a_row_and_a_section(text: str) -> None:
    sections = re.findall(r"^## (\S+)$", text, re.MULTILINE)
    rows = re.findall(r"^\| \[`(\S+)`\]", text, re.MULTILINE)
    assert sections == rows == list(catalog.names())


def test_every_scheme_and_sample_is_named(text: str) -> None:
    for name in catalog.names():
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        for variant in catalog.load(name).variants:
            assert f"- `{variant}`: " in section
        for event in sample.event_types(name):
            assert f"`{event}`" in section


def test_every_row_has_as_many_cells_as_the_head(text: str) -> None:
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    cells = {len(re.split(r"(?<!\\)\|", row)) for row in rows}
    assert len(cells) == 1
