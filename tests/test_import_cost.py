"""House: a command pays only for what it uses; proven in a process of its own."""

import subprocess
import sys

import pytest

HEAVY = (
    "aiohttp",
    "rich",
    "pyngrok",
    "cryptography",
    "textual",
    "prometheus_client",
    "re2",
    "pydantic",
    "asyncio",
)


def loaded_by(code: str) -> set[str]:
    probe = f"import sys\n{code}\nprint(*[n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.splitlines()[-1].split()) if done.stdout.strip() else set()


def test_help_loads_nothing_heavy():
    assert loaded_by("from hookagent.cli.main import main\nmain(['--help'])") == set()


def test_signing_loads_neither_a_web_framework_nor_cryptography():
    code = "from hookagent.cli.main import main\nmain(['sign', '--scheme', 'github', '--secret', 'x' * 24, '--data', '{}'])"

    assert loaded_by(code) & {"aiohttp", "rich", "pyngrok", "cryptography", "textual"} == set()


@pytest.mark.parametrize(
    "module",
    [
        "hookagent.event",
        "hookagent.job",
        "hookagent.rules.evaluate",
        "hookagent.providers.verify",
        "hookagent.template",
    ],
)
def test_the_ground_loads_no_network_and_no_terminal(module):
    assert loaded_by(f"import {module}") & {"aiohttp", "rich", "pyngrok", "textual"} == set()
