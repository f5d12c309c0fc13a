"""The documentation names every code, level, cause and kind, and nothing else."""

import re
from pathlib import Path

from hookagent.providers.diagnose import _EXPLAIN, Cause
from hookagent.providers.exchange import KINDS
from hookagent.providers.exchanges import ANSWERS
from hookagent.providers.scheme import STRATEGIES
from hookagent.providers.shape import ALGORITHMS
from hookagent.providers.signed import BARE
from hookagent.providers.strategies import MODULES
from hookagent.verdict import Code, Integrity, Verdict

ROOT = Path(__file__).parent.parent.parent
VERIFICATION = (ROOT / "docs" / "verification.md").read_text("utf-8")
README = (ROOT / "hookagent" / "providers" / "README.md").read_text("utf-8")


def first_cells(heading: str) -> list[str]:
    section = VERIFICATION.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def test_every_code_is_documented() -> None:
    assert first_cells("Codes") == [str(code) for code in Code]


def test_every_integrity_level_is_documented() -> None:
    assert first_cells("Integrity") == [str(level) for level in Integrity]


def test_every_cause_is_documented() -> None:
    assert first_cells("Causes") == [str(cause) for cause in Cause]


def test_the_documented_status_is_the_one_a_stranger_gets() -> None:
    for code, status in re.findall(r"^\| `([^`]+)` \| (\d+) \|", VERIFICATION, re.MULTILINE):
        assert Verdict(valid=False, scheme="s", code=Code(code)).status == int(status)


def test_every_code_can_be_explained() -> None:
    assert set(_EXPLAIN) == set(Code)


def test_every_algorithm_placeholder_and_kind_is_in_the_readme() -> None:
    for name in ALGORITHMS:
        assert f"`{name}`" in README, name
    for name in BARE:
        assert f"`{{{name}}}`" in README, name
    for kind in KINDS:
        assert f"`{kind}`" in README, kind
    for strategy in STRATEGIES:
        assert f"`{strategy}`" in README, strategy


def test_every_kind_of_handshake_has_its_answer() -> None:
    assert set(ANSWERS) == set(KINDS) - {"fixed-answer", "echo-header"}


def test_every_strategy_has_its_module() -> None:
    assert set(MODULES) == set(STRATEGIES)
