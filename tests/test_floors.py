"""House: imports only point down, the ground does no I/O, only the command line prints."""

import os

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports


def test_the_import_contracts_hold(monkeypatch, request):
    monkeypatch.chdir(request.config.rootpath)
    monkeypatch.setitem(os.environ, "NO_COLOR", "1")

    assert lint_imports(no_cache=True, verbose=False) == EXIT_STATUS_SUCCESS
