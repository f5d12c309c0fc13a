"""Whole: the plugin in a test suite of its own, as users write it."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.cli.workbench import application

ROOT = Path(__file__).parents[2]
CONFTEST = """
import hmac
from hashlib import sha256
import pytest

@pytest.fixture
def webhook_app(webhook_secret):
    secret = webhook_secret("github").encode()

    def app(environ, start_response):
        body = environ["wsgi.input"].read()
        wanted = "sha256=" + hmac.new(secret, body, sha256).hexdigest()
        good = environ.get("HTTP_X_HUB_SIGNATURE_256") == wanted
        start_response("200 OK" if good else "403 Forbidden", [])
        return [b""]

    return app
"""


@pytest.fixture
def suite(tmp_path, monkeypatch):
    """Run tests with the plugin in a process of their own; returns how many passed, and the text."""
    monkeypatch.delenv("HOOKAGENT_TEST_URL", raising=False)

    def run(tests, conftest=CONFTEST):
        (tmp_path / "conftest.py").write_text(conftest)
        (tmp_path / "test_it.py").write_text(textwrap.dedent(tests))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "hookagent.testing.plugin", "-q", "-W", "error",
             "-p", "no:cacheprovider", "test_it.py"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )  # fmt: skip
        assert done.returncode in {0, 1}, done.stdout + done.stderr
        counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed)", done.stdout)}
        return counts, done.stdout

    return run


def test_a_test_suite_sends_signed_events(suite):
    result = suite(
        """
        import pytest

        def test_a_push_is_taken(webhooks):
            assert webhooks.send("github", "push").is_taken

        @pytest.mark.parametrize("damage", ["unsigned", "tampered", "wrong-secret"])
        def test_what_is_not_genuine_is_refused(webhooks, damage):
            assert webhooks.send("github", "push", damage=damage).is_refused

        def test_the_same_webhook_twice(webhooks):
            webhook = webhooks.make("github", "push", changes={"ref": "refs/heads/x"})
            assert [webhooks.send(webhook).status for _ in range(2)] == [200, 200]

        def test_a_client_of_ones_own(webhooks):
            request = webhooks.sign(webhooks.make("github", "push"))
            assert request.headers.text("x-hub-signature-256")
        """
    )

    assert result[0] == {"passed": 6}, result[1]


def test_without_an_application_it_is_said_how_to_give_one(suite):
    result = suite('def test_it(webhooks):\n    webhooks.send("github", "push")\n', conftest="")

    assert result[0] == {"failed": 1}
    assert "define a fixture `webhook_app`" in result[1]


def test_a_mistyped_scheme_is_answered_with_the_nearest(suite):
    result = suite('def test_it(webhooks):\n    webhooks.send("githb", "push")\n')

    assert "did you mean `github`?" in result[1]


def test_an_application_may_be_named_by_the_environment(suite, monkeypatch):
    with application() as app:
        monkeypatch.setitem(os.environ, "HOOKAGENT_TEST_URL", app.url)
        result = suite(
            'def test_it(webhooks):\n    assert webhooks.send("github", "push").is_taken\n',
            conftest="",
        )

    assert result[0] == {"passed": 1}, result[1]
    assert len(app.came) == 1


def test_other_test_suites_pay_nothing(suite):
    result = suite(
        """
        import sys

        def test_nothing_of_hookagent_is_imported():
            there = sorted(name for name in sys.modules if name.startswith("hookagent"))
            assert there == ["hookagent", "hookagent.testing", "hookagent.testing.plugin"]
        """,
        conftest="",
    )

    assert result[0] == {"passed": 1}, result[1]
