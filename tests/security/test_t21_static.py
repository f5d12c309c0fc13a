"""T21: what must not stand in the source, found by reading it; bandit too where it is installed."""

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "hookagent"
FILES = sorted(PACKAGE.rglob("*.py"))
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "yaml", "jinja2", "telnetlib", "xmlrpc"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.load"}
SESSIONS = {"actions/client.py", "actions/sender.py"}
"""Where an HTTP session may be made: the guarded client, and the sender to the operator's own URL."""
SESSIONS_OF_TUNNELS = "tunnel/"
"""Tunnels talk to their own provider, and to the listener they lead to."""


@cache
def read() -> list[tuple[str, ast.AST]]:
    """Return every node of every module, read once for all tests."""
    return [
        (file.relative_to(PACKAGE).as_posix(), node)
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call | ast.Import | ast.ImportFrom | ast.Compare)
    ]


def nodes(kind: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for place, node in read():
        if isinstance(node, kind):
            yield place, node


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    for place, node in nodes(ast.Call):
        assert isinstance(node, ast.Call)
        yield f"{place}:{node.lineno}", ast.unparse(node.func), node


def imported(place: str, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        yield (node.module or "").partition(".")[0]


def test_t21_nothing_runs_a_shell_or_code_from_text():
    found = [
        place
        for place, name, node in calls()
        if name in FORBIDDEN_CALLS
        or any(
            keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and not keyword.value.value)
            for keyword in node.keywords
        )
        or name.endswith("create_subprocess_shell")
    ]  # fmt: skip
    assert found == []


def test_t21_nothing_is_deserialized_into_objects():
    found = [
        f"{place}: {name}"
        for kind in (ast.Import, ast.ImportFrom)
        for place, node in nodes(kind)
        for name in imported(place, node)
        if name in FORBIDDEN_MODULES
    ]
    assert [one for one in found if not one.endswith(": yaml")] == []


def test_t21_files_of_other_tools_are_read_by_the_safe_loader_only():
    found = {name for _, name, _ in calls() if name.startswith("yaml.")}
    assert found <= {"yaml.safe_load", "yaml.safe_dump", "yaml.compose", "yaml.parse"}


def test_t21_no_digest_is_compared_with_equals():
    found = []
    for place, node in nodes(ast.Compare):
        assert isinstance(node, ast.Compare)
        if not any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            continue
        text = ast.unparse(node).lower()
        if any(word in text for word in (".digest()", "hexdigest", "hmac.", "expected_mac")):
            found.append(f"{place}:{node.lineno}: {text}")
    assert [one for one in found if not one.startswith("config/trust.py")] == []


def test_t21_signatures_are_compared_in_constant_time():
    compared = {place.partition(":")[0] for place, name, _ in calls() if "compare_digest" in name}

    assert any(place.startswith("providers/") for place in compared)
    assert any(place.startswith("server/inspector") for place in compared)


REVIEWED_IN_SQL = frozenset(
    {
        "' AND '.join(conditions)", "_TABLE_OF[part]", "address.schema", "begins", "column",
        "columns", "excluded", "marks", "name", "order", "part", "part - 1", "pragma", "rules",
        "setting", "step.version", "stream.column", "stream.table", "stream.where", "table",
        "table.columns", "table.condition", "table.source", "when",
    }
)  # fmt: skip
"""What is put into a statement beside constants: names of our own tables and columns, numbers of
ours, marks for values that are bound, conditions that are made of those, and the name of a schema,
which `read_address` holds to small letters and digits. Add to it only after
looking at where the value comes from."""


def test_t21_no_sql_is_put_together_from_values():
    found = []
    for place, name, node in calls():
        if not place.startswith("store/") or not node.args:
            continue
        if name.rpartition(".")[2] not in {"execute", "executemany", "executescript"}:
            continue
        for part in ast.walk(node.args[0]):
            if isinstance(part, ast.FormattedValue):
                text = ast.unparse(part.value)
                is_constant = text.isupper() or text in REVIEWED_IN_SQL
                found += [] if is_constant else [f"{place}: {text}"]
            elif (isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mod)) or (
                isinstance(part, ast.Call) and ast.unparse(part.func).endswith(".format")
            ):
                found.append(f"{place}: {ast.unparse(part)}")
    assert found == []


MATCHING = {
    "rules/operators.py",
    "rules/patterns.py",
    "rules/evaluate.py",
    "rules/index/matcher.py",
}
"""Where values of an event meet a rule; `re` elsewhere reads what the rule's author wrote."""


def test_t21_rules_match_with_re2_only():
    found = [
        f"{place}:{getattr(node, 'lineno', 0)}"
        for kind in (ast.Import, ast.ImportFrom)
        for place, node in nodes(kind)
        for name in imported(place, node)
        if name == "re" and place in MATCHING
    ]
    assert found == []


def test_t21_http_sessions_are_made_in_the_guarded_places_only():
    found = {
        place.partition(":")[0]
        for place, name, _ in calls()
        if name.rpartition(".")[2] == "ClientSession"
    }
    assert {one for one in found - SESSIONS if not one.startswith(SESSIONS_OF_TUNNELS)} == set()


def test_t21_nothing_turns_off_the_check_of_certificates():
    found = [
        place
        for place, _, node in calls()
        for keyword in node.keywords
        if keyword.arg in {"ssl", "verify", "verify_ssl", "check_hostname"}
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is False
    ]
    assert found == []


@pytest.mark.skipif(importlib.util.find_spec("bandit") is None, reason="bandit is not installed")
def test_t21_bandit_finds_nothing_of_medium_or_above():
    done = subprocess.run(
        [sys.executable, "-m", "bandit", "-q", "-r", "-ll", "-f", "txt", str(PACKAGE)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
