"""docs/testing.md: its code is Python, its suite runs, and it lists what there is."""

import re
from pathlib import Path

from hookagent.testing.webhook import DAMAGES

TEXT = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")


def test_every_example_is_python():
    examples = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)

    assert len(examples) == 3
    for number, example in enumerate(examples):
        compile(example, f"example {number}", "exec")


def test_every_damage_is_named():
    assert all(f"`{damage}`" in TEXT or f'"{damage}"' in TEXT for damage in DAMAGES)
