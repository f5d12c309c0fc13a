"""Pure: the child's side needs nothing but the standard library, on any interpreter."""

import ast
import sys
from pathlib import Path

from hookagent.actions import function_call


def test_it_imports_only_the_standard_library():
    tree = ast.parse(Path(function_call.__file__).read_text("utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert imported <= set(sys.stdlib_module_names)
