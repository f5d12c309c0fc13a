"""`python -m hookagent`, in a process of its own."""

import subprocess
import sys


def test_the_module_runs_the_command_line():
    done = subprocess.run(
        [sys.executable, "-m", "hookagent", "--version"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert done.stdout.strip()
